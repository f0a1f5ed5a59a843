// Shows how a list is understood, and the request as a program makes it, as soon as the form of a new run is changed.
// Without scripts the button "Look first" does the same.
"use strict";
(() => {
  const form = document.querySelector("form[data-look]");
  if (!form) return;
  // A larger file is looked at when the button asks for it: each look sends it.
  const MOST_BYTES = 10e6, PAUSE_MS = 350;
  let timer, control;

  async function look(changed) {
    control?.abort();
    control = new AbortController();
    const sent = new FormData(form), file = sent.get("file");
    if (file && file.size > MOST_BYTES) return;
    if (changed === "file" || changed === "company_urls") sent.delete("column"); // it was another list's
    const place = document.getElementById("look");
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.dataset.look, { method: "POST", body: sent, signal: control.signal, headers: { Accept: "text/html" } });
      if (answer.status === 401) { location.reload(); return; }
      const shown = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("look");
      if (shown) place.replaceChildren(...shown.childNodes);
      document.dispatchEvent(new Event("htmx:after:swap")); // live.js readies what came
    } catch (error) {
      if (error.name === "AbortError") return;
      place.textContent = "The server does not answer; what is typed here stays.";
    }
    place.removeAttribute("aria-busy");
  }

  function soon(event) {
    const name = event.target.name;
    if (!name || (event.type === "input" && name !== "company_urls")) return;
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS, name);
  }

  form.addEventListener("change", soon);
  form.addEventListener("input", soon);
})();
