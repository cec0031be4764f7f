// What the page does in the browser. Answers come and go, so there is one
// listener for each kind of event, on the document; what only the server knows
// is asked for through the bridge (see app.py) and comes back as a part's new
// HTML, of which the event "diamond" tells.
() => {
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const send = (event, data) => window.diamond.send(event, data);
  const attribute = (element, name) => element.getAttribute(`data-${name}`);
  const ASKS = "#question .submit-button, #retry, [data-ask], [data-widen]";
  let asking = false; // until the sources of the answer come
  let wanted = null; // the id of a mark that the panel is to show when it comes

  // A marker and its sentence, lit together.
  const light = (id) => {
    document.querySelectorAll("mark.lit, a.cite.lit").forEach((lit) => lit.classList.remove("lit"));
    const key = id.replace(/^(src|mark)-/, "");
    for (const part of ["src", "mark"]) {
      document.getElementById(`${part}-${key}`)?.classList.add("lit");
    }
  };
  // On a narrow page the sources are a drawer.
  const drawer = (open) => document.getElementById("panel")?.toggleAttribute("data-shown", open);
  const go = (id) => {
    const target = document.getElementById(id);
    if (!target) return false;
    drawer(target.closest("#panel") !== null);
    light(id);
    target.scrollIntoView({ behavior: still() ? "auto" : "smooth", block: "center" });
    target.focus({ preventScroll: true });
    return true;
  };
  const turnOf = (id) => Number(id.split("-")[1]);

  const read = (button) => {
    const said = ["document", "spans", "generation"].map((name) => [name, attribute(button, name)]);
    send("expand", Object.fromEntries(said));
  };
  const ask = (title, form) =>
    new Promise((resolve) => {
      const dialog = document.createElement("dialog");
      dialog.className = "small";
      dialog.setAttribute("aria-label", title);
      dialog.innerHTML = form;
      dialog.addEventListener("close", () => {
        resolve(dialog.returnValue === "yes" ? dialog.querySelector("input")?.value ?? true : null);
        dialog.remove();
      });
      document.body.append(dialog);
      dialog.querySelector("p, label").prepend(title);
      dialog.showModal();
      return dialog;
    });
  const words = () => JSON.parse(attribute(document.querySelector("#words"), "words"));
  const FORM = (inside, yes) =>
    `<form method="dialog">${inside}<menu><button type="button" data-close>${words().cancel}` +
    `</button><button value="yes" class="primary">${yes}</button></menu></form>`;
  const rename = async (button) => {
    const answer = ask(
      words().name,
      FORM('<label><input maxlength="200" required></label>', words().save),
    );
    const input = document.querySelector("dialog.small input");
    input.value = attribute(button, "title");
    input.select();
    const title = await answer;
    if (title) send("edit", { conversation: attribute(button, "rename"), title });
  };
  const remove = async (button) => {
    const title = attribute(button, "title");
    const yes = await ask(`${words().sure} “${title}”`, FORM("<p></p>", words().delete));
    if (yes) send("delete", { conversation: attribute(button, "delete") });
  };

  document.addEventListener("click", (event) => {
    const hit = (selector) => event.target.closest?.(selector);
    const link = hit('a[href^="#src-"], a[href^="#mark-"]');
    const show = hit('a[href^="#turn-"]');
    const open = hit("[data-open]");
    if (link || show || open) event.preventDefault();
    if (hit(ASKS)) asking = true;
    if (link) {
      const id = link.getAttribute("href").slice(1);
      if (go(id)) return;
      wanted = id;
      send("select", { turn: turnOf(id) });
    } else if (show) {
      drawer(true);
      const turn = turnOf(show.getAttribute("href"));
      if (!document.getElementById(`turn-${turn}`)) send("select", { turn });
    } else if (open) send("click", { conversation: attribute(open, "open") });
    else if (hit("[data-document]")) read(hit("[data-document]"));
    else if (hit("[data-ask]")) send("submit", { question: attribute(hit("[data-ask]"), "ask") });
    else if (hit("[data-widen]")) send("clear", {});
    else if (hit("[data-rename]")) rename(hit("[data-rename]"));
    else if (hit("[data-delete]")) remove(hit("[data-delete]"));
    else if (hit("dialog [data-close]")) hit("dialog").close();
    else if (hit("#panel [data-close]")) drawer(false);
    else if (event.target instanceof HTMLDialogElement) event.target.close(); // beside it
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.("#question textarea")) asking = true;
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    drawer(false);
    document.querySelector("#stop")?.click();
  });

  // A part has new HTML.
  window.addEventListener("diamond", ({ detail: part }) => {
    const dialog = part.querySelector("dialog");
    if (dialog && !dialog.open) {
      dialog.showModal();
      const mark = dialog.querySelector("mark");
      mark?.scrollIntoView({ block: "center" });
      mark?.focus({ preventScroll: true });
    }
    if (wanted && document.getElementById(wanted)) {
      go(wanted);
      wanted = null;
    }
    if (asking && part.querySelector("section.sources")) {
      asking = false;
      speakWhenComplete();
    }
    const list = part.querySelector(".conversations");
    if (list) {
      const current = attribute(list, "current");
      const address = new URL(location.href);
      if (current) address.searchParams.set("c", current);
      else address.searchParams.delete("c");
      if (address.href !== location.href) history.replaceState(null, "", address);
    }
  });

  // Text for the clipboard, and for a file.
  const copy = async (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      document.body.append(area); // a page without https has no other clipboard
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    say(words().copied);
  };
  const download = (text, name, kind) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: kind }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };

  // A line that a screen reader speaks, and that says when the server is gone.
  const line = document.createElement("div");
  line.id = "status";
  line.setAttribute("role", "status");
  document.body.append(line);
  const say = (text, stays = false) => {
    line.textContent = text;
    line.classList.toggle("stays", stays);
    if (text && !stays) setTimeout(() => line.textContent === text && say(""), 4000);
  };
  // What only a screen reader needs to be told.
  const spoken = line.cloneNode();
  spoken.id = "spoken";
  document.body.append(spoken);
  const speakWhenComplete = () => {
    spoken.textContent = "";
    if (document.querySelector("#tools")?.checkVisibility()) spoken.textContent = words().complete;
    else setTimeout(speakWhenComplete, 100);
  };
  let gone = false;
  const look = async () => {
    try {
      const answer = await fetch("./health", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw new Error(answer.status);
      if (gone) location.reload(); // to the conversation that the address names
    } catch {
      gone = true;
      say(words().gone, true);
    }
    setTimeout(look, gone ? 1500 : 10000);
  };
  setTimeout(look, 10000);

  window.diamond = { ...window.diamond, copy, download, say };
}
