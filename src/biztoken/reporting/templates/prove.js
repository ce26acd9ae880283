
function filter() {
  const wanted = document.getElementById("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  let any = false;
  all("#matrix .part").forEach((part) => {
    const rows = [...part.querySelectorAll(".clauses > li")];
    part.hidden = false;
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
    });
    // The choice of faults hides rows by style, so that it works without this script.
    part.hidden = !rows.some((row) => row.getClientRects().length);
    any = any || !part.hidden;
  });
  document.getElementById("nothing").hidden = any;
}

const sought = document.getElementById("words");
if (sought) {
  sought.hidden = false;
  sought.addEventListener("input", filter);
  all("[name=show]").forEach((radio) => radio.addEventListener("change", filter));
}
all("#grid svg").forEach((svg) => svg.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-f]");
  if (cell) { document.getElementById("show-all").click(); location.hash = cell.dataset.f; }
}));
