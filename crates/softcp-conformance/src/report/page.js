const buttons = [...document.querySelectorAll("header nav button")];
const search = document.querySelector("header nav input");
function show() {
  const verdict = buttons.find((button) => button.ariaPressed === "true").dataset.show;
  const words = search.value.toLowerCase();
  for (const section of document.querySelectorAll("section")) {
    let any = false;
    for (const one of section.querySelectorAll(".case")) {
      const fits = (verdict === "all" || one.dataset.verdict === verdict) && one.textContent.toLowerCase().includes(words);
      one.hidden = !fits;
      any ||= fits;
    }
    section.hidden = !any;
  }
}
for (const button of buttons) {
  button.addEventListener("click", () => {
    for (const other of buttons) other.ariaPressed = String(other === button);
    show();
  });
}
search.addEventListener("input", show);
// A link to a case opens it, also where a filter hides it.
function follow() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  target.hidden = false;
  target.closest("section").hidden = false;
  target.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", follow);
follow();
