// What becomes of a card is shown where the card is. Only the part that says where it stands is ever replaced: what is
// decided on, and what the form sends, stay as they were opened. A letter moves the focus; it decides nothing.
const standing = document.getElementById("standing");
const form = document.getElementById("word");

function show(event) {
  standing.innerHTML = event.data;
  local(standing);
  count();
}

if (standing.hasAttribute("sse-connect")) {
  const source = new EventSource(standing.getAttribute("sse-connect"));
  source.addEventListener("waiting", show);
  source.addEventListener("decided", (event) => {
    show(event);
    for (const one of form ? form.elements : []) one.disabled = true;
  });
  source.addEventListener("over", (event) => {
    source.close();
    document.getElementById("followed").textContent = event.data;
  });
}

document.addEventListener("keydown", (event) => {
  const wanted = { a: "approve", d: "deny" }[letter(event)];
  if (wanted && form) form.querySelector(`button[value=${wanted}]`).focus();
});
