// Moments are written in UTC. Here each is put into the viewer's own time; UTC stays on hover.
function local(root) {
  for (const moment of root.querySelectorAll("time[datetime]")) {
    const at = new Date(moment.dateTime);
    if (!Number.isNaN(at.valueOf())) {
      moment.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}

local(document);
// What is put into a page later says so.
document.addEventListener("htmx:load", (event) => local(event.detail.elt));
