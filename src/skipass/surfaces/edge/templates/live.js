// What a page that is followed does beside swapping: it counts down what ends, and says when it hears nothing.
const followed = document.querySelector("[data-now]");
const ahead = followed ? Date.now() - Date.parse(followed.dataset.now) : 0;

function count() {
  for (const one of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.floor((Date.parse(one.dataset.until) - Date.now() + ahead) / 1000));
    one.textContent = left >= 60 ? `${Math.floor(left / 60)} min ${left % 60} s left` : `${left} s left`;
  }
}

function say(words) {
  const place = document.getElementById("followed");
  if (place && place.textContent !== words) place.textContent = words;
}

count();
setInterval(count, 1000);
document.addEventListener("htmx:load", count);
document.addEventListener("htmx:sseOpen", () => say(""));
document.addEventListener("htmx:sseError", () => say("Not in touch with the gateway; trying again."));
