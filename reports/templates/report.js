(() => {
  "use strict";
  const table = document.querySelector(".ranking");
  if (!table) return;
  const leads = [...table.tBodies];
  const tools = document.querySelector(".tools");
  const search = tools.querySelector("[type=search]");
  const sort = tools.querySelector("select");
  const tiers = [...tools.querySelectorAll("[data-tier]")];
  const all = tools.querySelector(".all");
  const count = tools.querySelector("output");
  const none = document.querySelector(".none");
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const texts = new Map();

  // What a lead says, without the words that stand in every lead; numbers also as they are dialled.
  function textOf(lead) {
    const copy = lead.cloneNode(true);
    for (const part of copy.querySelectorAll("h4, h5, dt, small, summary, .rank, .score, .elsewhere")) part.remove();
    const numbers = [...copy.querySelectorAll("a[href^='tel:']")];
    const dialled = numbers.map((a) => `${a.getAttribute("href").slice(4)} ${a.textContent.replace(/\D/g, "")}`);
    return plain([copy.textContent, ...dialled].join(" "));
  }

  const shown = () => leads.filter((lead) => !lead.hidden);

  function filter() {
    const words = plain(search.value).split(/\s+/).filter(Boolean);
    const wanted = tiers.filter((tier) => tier.ariaPressed === "true").map((tier) => tier.dataset.tier);
    for (const lead of leads) {
      if (words.length && !texts.has(lead)) texts.set(lead, textOf(lead));
      lead.hidden =
        (wanted.length > 0 && !wanted.includes(lead.dataset.tier)) ||
        !words.every((word) => texts.get(lead).includes(word));
    }
    const left = shown().length;
    count.value = left < leads.length ? `${left} of ${leads.length}` : "";
    none.hidden = left > 0;
  }

  const keys = {
    name: (lead) => lead.querySelector("h3").textContent,
    place: (lead) => lead.dataset.place,
    reach: (lead) => lead.dataset.reach,
  };
  const { compare } = new Intl.Collator(undefined, { numeric: true });

  function order() {
    const key = keys[sort.value];
    const falls = sort.value === "reach" ? -1 : 1;
    const sorted = [...leads];
    if (key) {
      // What has no value stands last; equals stay in their rank.
      const values = new Map(leads.map((lead) => [lead, key(lead) || ""]));
      sorted.sort((a, b) => {
        const [one, other] = [values.get(a), values.get(b)];
        return !one || !other ? !one - !other : falls * compare(one, other);
      });
    }
    table.append(...sorted);
  }

  function clear() {
    search.value = "";
    for (const tier of tiers) tier.ariaPressed = "false";
    filter();
  }

  function follow() {
    let lead = null;
    try {
      lead = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    } catch {
      return; // no text that was encoded
    }
    if (!leads.includes(lead)) return;
    if (lead.hidden) clear();
    lead.querySelector("details").open = true;
    lead.scrollIntoView();
  }

  tools.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", filter);
  sort.addEventListener("change", order);
  for (const tier of tiers) {
    tier.addEventListener("click", () => {
      tier.ariaPressed = String(tier.ariaPressed !== "true");
      filter();
    });
  }
  all.addEventListener("click", () => {
    const open = all.ariaExpanded !== "true";
    for (const lead of leads) lead.querySelector("details").open = open;
    all.ariaExpanded = String(open);
    all.textContent = open ? "Close all" : "Open all";
  });
  addEventListener("hashchange", follow);
  tools.hidden = leads.length < 2;
  filter(); // a reload keeps what was typed
  order();
  follow();
})();
