// A marker in an answer leads to its sentence in the panel, and the number on a
// card leads back. One listener for the page: answers come and go.
() => {
  const light = (element) => {
    document.querySelectorAll("mark.lit, a.cite.lit").forEach((lit) => lit.classList.remove("lit"));
    const key = element.id.replace(/^(src|mark)-/, "");
    for (const id of [`src-${key}`, `mark-${key}`]) {
      document.getElementById(id)?.classList.add("lit");
    }
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#src-"], a[href^="#mark-"]');
    const target = link && document.getElementById(link.getAttribute("href").slice(1));
    if (!target) return;
    event.preventDefault();
    const section = target.closest(".sources section");
    if (section) {
      section.parentElement.querySelectorAll("section").forEach((other) => {
        other.hidden = other !== section;
      });
    }
    light(target);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ behavior: still ? "auto" : "smooth", block: "center" });
    target.focus({ preventScroll: true });
  });
}
