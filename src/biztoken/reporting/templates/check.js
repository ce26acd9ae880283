
function filter() {
  const wanted = document.getElementById("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const off = new Set(all(".chip input:not(:checked)").map((box) => box.id.slice(2)));
  let any = false;
  all(".part").forEach((part) => {
    let some = false;
    part.querySelectorAll(".clauses > li").forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !wanted.every((word) => text.includes(word));
      some = some || (!row.hidden && !off.has(row.dataset.v));
    });
    part.hidden = !some;
    any = any || some;
  });
  document.getElementById("nothing").hidden = any;
}

const sought = document.getElementById("words");
if (sought) {
  sought.hidden = false;
  sought.addEventListener("input", filter);
  all(".chip input").forEach((box) => box.addEventListener("change", filter));
}
