// Single letters move the focus, outside of fields. Who speaks to their machine, or types by accident, turns them off here;
// the browser keeps that.
const letters = document.getElementById("letters");
const off = () => localStorage.getItem("letters") === "off";

function letter(event) {
  const meant = event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select");
  return meant || off() ? "" : event.key;
}

function tell() {
  letters.textContent = off() ? "Turn letter keys on" : "Turn letter keys off";
  letters.hidden = false;
}

if (letters) {
  tell();
  letters.addEventListener("click", () => {
    localStorage.setItem("letters", off() ? "on" : "off");
    tell();
  });
}
