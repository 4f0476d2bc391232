// What a page that is followed does beside swapping: it says when it hears nothing, names itself anew, and lets the
// letters j and k go through a list. A letter moves the focus and does nothing else.
function say(words) {
  const place = document.getElementById("followed");
  if (place && place.textContent !== words) place.textContent = words;
}

function name() {
  const named = document.querySelector("[data-title]");
  if (named) document.title = named.dataset.title;
}

document.addEventListener("htmx:sseOpen", () => say(""));
document.addEventListener("htmx:sseError", () => say("Not in touch with the gateway; trying again."));
document.addEventListener("htmx:load", name);
document.addEventListener("keydown", (event) => {
  const step = { j: 1, k: -1 }[letter(event)];
  if (!step) return;
  const all = [...document.querySelectorAll("[data-step]")];
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? all[step > 0 ? 0 : all.length - 1] : all[at + step];
  if (next) next.focus();
});
