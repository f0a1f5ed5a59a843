// Beside a value of the list of leads: where it comes from and why, as the page tells that its link leads to. Who points at
// a value sees it; who presses it, by mouse, finger or Enter, has it open with the focus in it, and Escape or a press beside
// it leads back. Without scripts, and in a new tab, the link is a link.
"use strict";
(() => {
  const REST_MS = 250, MOST_OTHERS = 3, GAP = 4, EDGE = 10;
  const told = new Map();
  let timer, shown;

  const box = document.createElement("div");
  box.className = "told"; box.popover = "auto"; box.tabIndex = -1;
  box.setAttribute("role", "dialog");
  box.setAttribute("aria-label", "Where this value comes from");

  async function ask(address) {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.status === 401) location.reload();
    const found = new DOMParser().parseFromString(await answer.text(), "text/html");
    const why = found.getElementById("why"), others = [...found.querySelectorAll("[aria-labelledby=others] > *")];
    if (!answer.ok || !why) throw new Error(`the server answers ${answer.status}`);
    return [...why.children, ...others.slice(0, 1 + MOST_OTHERS)]; // the heading, and some of them
  }

  function more(link) {
    const whole = document.createElement("a"), line = document.createElement("p");
    whole.href = link.href; whole.textContent = "All that is known of it";
    line.append(whole);
    return line;
  }

  // Below the value where there is room, else above it; never beyond the window's sides.
  function place(link) {
    const at = link.getBoundingClientRect(), { offsetWidth: wide, offsetHeight: high } = box;
    const below = at.bottom + GAP, above = at.top - GAP - high;
    const top = below + high > innerHeight && above >= 0 ? above : below;
    box.style.left = `${scrollX + Math.max(EDGE, Math.min(at.left - EDGE, document.documentElement.clientWidth - wide - EDGE))}px`;
    box.style.top = `${scrollY + top}px`;
  }

  async function show(link) {
    if (shown !== link || !box.matches(":popover-open")) {
      if (box.matches(":popover-open")) box.hidePopover();
      shown = link;
      link.after(box);
      box.replaceChildren(...(told.get(link.href) ?? ["Looking…"]), more(link));
      box.showPopover();
      link.setAttribute("aria-expanded", "true");
      place(link);
    }
    if (told.has(link.href)) return;
    let found;
    try { told.set(link.href, found = await ask(link.href)); } catch { found = ["The server does not answer just now."]; }
    if (shown !== link) return;
    box.replaceChildren(...found, more(link));
    place(link);
  }

  box.addEventListener("toggle", event => {
    if (event.newState === "open") return;
    shown?.setAttribute("aria-expanded", "false");
    shown = undefined;
  });

  // A press keeps it open with the focus in it, from where Tab goes on to its links and Escape back to the value.
  document.addEventListener("click", event => {
    const link = event.target.closest?.("a.why");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    clearTimeout(timer);
    show(link);
    box.focus({ preventScroll: true });
  });
  document.addEventListener("pointerover", event => {
    if (event.pointerType !== "mouse") return;
    clearTimeout(timer);
    const link = event.target.closest?.("a.why");
    if (link && link !== shown) timer = setTimeout(show, REST_MS, link);
    else if (shown && !link && !box.contains(event.target) && !box.contains(document.activeElement))
      timer = setTimeout(() => box.hidePopover(), REST_MS);
  });
  for (const link of document.querySelectorAll("a.why")) {
    link.setAttribute("aria-haspopup", "dialog");
    link.setAttribute("aria-expanded", "false");
  }
})();
