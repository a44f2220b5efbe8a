(() => {
  const page = document, fields = { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };
  const format = new Intl.DateTimeFormat(page.documentElement.lang, fields);
  const prepare = (part) => {
    for (const time of part.querySelectorAll("time")) {
      const at = new Date(time.dateTime);
      if (time.dateTime.includes("T") && at.getTimezoneOffset()) {
        const local = page.createElement("small");
        local.className = "local";
        local.textContent = format.format(at);
        time.append(" ", local);
      }
    }
    if (navigator.clipboard) for (const button of part.querySelectorAll("[data-copy]")) button.hidden = false;
  };
  page.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || button.dataset.label) return;
    await navigator.clipboard.writeText(page.getElementById(button.dataset.copy).textContent);
    button.dataset.label = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = button.dataset.label;
      delete button.dataset.label;
    }, 2000);
  });
  for (const form of page.querySelectorAll("form[data-preview]")) {
    let timer, latest;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const body = new URLSearchParams(new FormData(form)), mine = (latest = body);
        const answer = await fetch(form.dataset.preview, { method: "POST", headers: { "x-fragment": "1" }, body });
        const text = await answer.text();
        if (!answer.ok || mine !== latest) return;
        const target = page.getElementById(form.dataset.target);
        target.innerHTML = text;
        prepare(target);
      }, 300);
    });
  }
  prepare(page);
})();
