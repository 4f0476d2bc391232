// A convenience only: beside what is to be pasted elsewhere, a button that copies it. Without scripts it is selected.
for (const one of document.querySelectorAll("pre[data-copy]")) {
  if (!navigator.clipboard) break;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = one.dataset.copy;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(one.textContent);
    button.textContent = "Copied";
  });
  one.after(button);
}
