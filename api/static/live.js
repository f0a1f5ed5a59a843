// What makes pages pleasant where scripts may run; without it all of them work. It keeps `#live` fresh (asks for it at
// most once a second, and not while nobody looks), lets times go on, copies commands, counts what is selected, closes
// the menu.
"use strict";
(() => {
  const MOST_MS = 30000;
  let timer, stream, streamed, asking = false, askedAt = 0, faults = 0, wanted = false;

  const live = () => document.getElementById("live");

  function ask() {
    clearTimeout(timer);
    const part = live();
    if (!part || document.hidden) return;
    const least = Number(part.dataset.least ?? 1) * 1000;
    const wait = askedAt + Math.min(least * 2 ** faults, MOST_MS) - Date.now();
    if (asking) { wanted = true; return; }
    if (wait > 0) { timer = setTimeout(ask, wait); return; }
    asking = true; wanted = false; askedAt = Date.now();
    htmx.trigger(part, "fresh");
  }

  function later() {
    clearTimeout(timer);
    const every = Number(live()?.dataset.every);
    if (every && !document.hidden) timer = setTimeout(ask, every * 1000);
  }

  // One stream a tab that is seen; a browser opens six connections to a host, so hidden tabs hold none.
  function follow() {
    const address = document.hidden ? undefined : live()?.dataset.events;
    if (address === streamed) return;
    stream?.close();
    stream = undefined; streamed = address;
    if (!address) return;
    stream = new EventSource(address);
    for (const name of ["status", "stage", "unit", "progress"]) stream.addEventListener(name, ask);
  }

  function told(text) {
    const place = document.getElementById("stale");
    if (place && place.textContent !== text) place.textContent = text;
  }

  document.addEventListener("htmx:finally:request", event => {
    if (event.target !== live() && event.detail?.ctx?.sourceElement !== live()) return;
    const status = event.detail?.ctx?.response?.raw?.status;
    asking = false;
    faults = status && status < 400 ? 0 : Math.min(faults + 1, 5);
    if (status === 401) { location.reload(); return; }
    told(faults > 1 ? `Not up to date: ${status ? `the server answers ${status}` : "the server does not answer"}; trying again.` : "");
    if (wanted || faults) ask(); else later();
  });
  document.addEventListener("htmx:after:swap", () => { follow(); prepare(); });
  document.addEventListener("visibilitychange", () => { follow(); if (document.hidden) clearTimeout(timer); else ask(); });

  // ---- times that go on ------------------------------------------------------------------------------------

  const UNITS = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];

  function lasted(seconds) {
    const parts = [];
    let left = Math.max(0, Math.floor(seconds));
    for (const [size, unit] of UNITS) {
      if (left >= size) { parts.push(`${Math.floor(left / size)} ${unit}`); left %= size; }
      else if (parts.length) break;
    }
    return parts.slice(0, 2).join(" ") || "0 s";
  }

  setInterval(() => {
    if (document.hidden) return;
    for (const one of document.querySelectorAll("[data-since]"))
      one.textContent = lasted((Date.now() - Date.parse(one.dataset.since)) / 1000);
  }, 1000);

  // ---- commands, selections --------------------------------------------------------------------------------

  async function copy(button) {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }

  function count(form) {
    const boxes = [...form.querySelectorAll("[name=job]")], chosen = boxes.filter(one => one.checked).length;
    for (const place of form.querySelectorAll("[data-chosen]")) place.textContent = chosen ? `${chosen} ` : "";
    for (const button of form.querySelectorAll("[data-needs-chosen]")) button.disabled = !chosen;
    const all = form.querySelector("[data-all]");
    if (all) { all.checked = chosen > 0 && chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
  }

  // ---- the menu of further pages ---------------------------------------------------------------------------

  const menu = () => document.querySelector("details.more[open]");

  document.addEventListener("keydown", event => {
    const open = menu();
    if (event.key !== "Escape" || !open) return;
    const inside = open.contains(document.activeElement);
    open.open = false;
    if (inside) open.querySelector("summary").focus();
  });

  document.addEventListener("click", event => {
    const open = menu();
    if (open && !open.contains(event.target)) open.open = false;
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("change", event => {
    const form = event.target.closest("form[data-select]");
    if (!form) return;
    if (event.target.matches("[data-all]"))
      for (const box of form.querySelectorAll("[name=job]")) box.checked = event.target.checked;
    count(form);
  });

  function prepare() {
    if (navigator.clipboard) for (const one of document.querySelectorAll("[data-copy][hidden]")) one.hidden = false;
    for (const one of document.querySelectorAll("[data-scripted][hidden]")) one.hidden = false;
    for (const form of document.querySelectorAll("form[data-select]")) count(form);
  }

  prepare();
  follow();
  later();
})();
