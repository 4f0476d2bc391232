// Moments are written in UTC. Here each is put into the viewer's own time, with UTC on hover; what ends is counted down.
const ahead = document.body.dataset.now ? Date.now() - Date.parse(document.body.dataset.now) : 0;

function local(root) {
  for (const moment of root.querySelectorAll("time[datetime]")) {
    const at = new Date(moment.dateTime);
    if (!Number.isNaN(at.valueOf())) {
      moment.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    }
  }
}

function count() {
  for (const one of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.floor((Date.parse(one.dataset.until) - Date.now() + ahead) / 1000));
    one.textContent = left >= 60 ? `${Math.floor(left / 60)} min ${left % 60} s left` : `${left} s left`;
  }
}

local(document);
count();
setInterval(count, 1000);
// What is put into a page later says so.
document.addEventListener("htmx:load", (event) => {
  local(event.detail.elt);
  count();
});
