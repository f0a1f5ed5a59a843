// Runs a query beside the page, so that it can be cancelled: the connection is closed, and with it the query's process.
// Without scripts the form is sent as any other, and the browser's own button ends it.
"use strict";
(() => {
  const form = document.querySelector("form[data-sql]");
  if (!form) return;
  const cancel = form.querySelector("[data-cancel]"), clock = form.querySelector("[data-clock]");
  const query = form.querySelector("textarea");
  let control;

  async function run(address) {
    control?.abort();
    const own = control = new AbortController(), began = Date.now();
    const ticking = setInterval(() => { clock.textContent = `Running for ${Math.round((Date.now() - began) / 1000)} s`; }, 1000);
    const result = document.getElementById("result");
    cancel.hidden = false;
    result.setAttribute("aria-busy", "true");
    let said = "";
    try {
      const answer = await fetch(address, { signal: own.signal, headers: { Accept: "text/html" } });
      if (answer.status === 401) { location.reload(); return; }
      const shown = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("result");
      if (shown) result.replaceChildren(...shown.childNodes); else said = `The server answers ${answer.status}`;
    } catch (error) {
      if (own !== control) return;
      said = error.name === "AbortError" ? "Cancelled" : "The server does not answer";
      result.replaceChildren();
    } finally {
      clearInterval(ticking);
      if (own === control) {
        clock.textContent = said;
        cancel.hidden = true;
        result.removeAttribute("aria-busy");
      }
    }
  }

  form.addEventListener("submit", event => {
    event.preventDefault();
    const address = `${form.action}?${new URLSearchParams(new FormData(form))}`;
    if (address !== location.href) history.pushState(null, "", address);
    run(address);
  });
  cancel.addEventListener("click", () => control?.abort());
  query.addEventListener("keydown", event => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    form.requestSubmit();
  });
  addEventListener("popstate", () => location.reload());
  addEventListener("pagehide", () => control?.abort());
})();
