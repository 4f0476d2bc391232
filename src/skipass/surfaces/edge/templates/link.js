// A convenience only: the part of a one-time link behind the # never reaches a server, so it is put into the form here
// and taken out of the address bar. Without scripts a person pastes the link.
if (location.hash.length > 1) {
  document.getElementById("link").value = location.hash.slice(1);
  history.replaceState(null, "", location.pathname + location.search);
}
