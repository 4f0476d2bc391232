// Moments are written in UTC. Here each is put into the viewer's own time; UTC stays on hover.
for (const moment of document.querySelectorAll("time[datetime]")) {
  const at = new Date(moment.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    moment.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  }
}
