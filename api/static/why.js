// Beside a value that the reader points at or comes to by keyboard: what its link tells, where it comes from and why.
"use strict";
(() => {
  const REST_MS = 250;
  let timer;

  async function tell(link) {
    if (link.dataset.told) return;
    link.dataset.told = "1";
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("why");
    if (!answer.ok || !found) { delete link.dataset.told; return; }
    const place = document.createElement("div");
    place.className = "told";
    place.append(...found.children);
    link.after(place);
  }

  function soon(event) {
    const link = event.target.closest?.("a.why");
    clearTimeout(timer);
    if (link) timer = setTimeout(tell, REST_MS, link);
  }

  document.addEventListener("pointerover", event => { if (event.pointerType === "mouse") soon(event); });
  document.addEventListener("focusin", soon);
})();
