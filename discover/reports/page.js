"use strict";
(() => {
  const specs = JSON.parse(document.getElementById("plots").textContent);
  const root = document.documentElement;
  const hidden = new Set();
  const drawn = new Set();
  let showSeeds = true;

  const dark = () => root.dataset.theme === "dark";
  const colors = () => {
    const style = getComputedStyle(root);
    const of = (name) => style.getPropertyValue(name).trim();
    return { text: of("--text"), line: of("--line"), soft: of("--soft"), card: of("--card") };
  };

  const axis = (given, c) => ({ gridcolor: c.line, zerolinecolor: c.line, linecolor: c.line, automargin: true, ...given });

  const layoutOf = (spec) => {
    const c = colors();
    const own = spec.layout;
    return {
      height: 340, margin: { l: 60, r: 16, t: 30, b: 46 }, hovermode: "closest",
      legend: { orientation: "h", y: -0.3, font: { size: 12 } },
      ...own,
      shapes: (own.shapes || []).map((shape) => ({ ...shape, line: { ...shape.line, color: c.soft } })),
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: c.text, size: 12, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: c.card, bordercolor: c.line, font: { color: c.text } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: c.soft, activecolor: c.text },
      xaxis: axis(own.xaxis, c), yaxis: axis(own.yaxis, c),
    };
  };

  const visible = (trace) => {
    const meta = trace.meta || {};
    return !hidden.has(meta.name) && (showSeeds || meta.part !== "seed");
  };

  const draw = (place) => {
    const spec = specs[place.dataset.plot];
    const data = spec.data.map((trace) => ({ ...trace, visible: visible(trace) }));
    drawn.add(place);
    const settings = { responsive: true, displaylogo: false, toImageButtonOptions: { filename: place.dataset.name } };
    return Plotly.react(place, data, layoutOf(spec), settings);
  };
  const redraw = () => drawn.forEach(draw);

  const setTheme = (name) => {
    root.dataset.theme = name;
    if (window.Plotly) redraw();
  };
  const preferred = window.matchMedia("(prefers-color-scheme: dark)");
  setTheme(preferred.matches ? "dark" : "light");
  preferred.addEventListener("change", (event) => setTheme(event.matches ? "dark" : "light"));
  document.getElementById("theme").addEventListener("click", () => setTheme(dark() ? "light" : "dark"));

  const pressed = (button) => {
    const now = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(now));
    return now;
  };
  document.querySelectorAll("button[data-candidate]").forEach((button) => {
    button.addEventListener("click", () => {
      if (pressed(button)) hidden.delete(button.dataset.candidate);
      else hidden.add(button.dataset.candidate);
      redraw();
    });
  });
  const seeds = document.getElementById("seeds");
  if (seeds) {
    seeds.addEventListener("click", () => {
      showSeeds = pressed(seeds);
      redraw();
    });
  }

  const load = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
    const places = [...document.querySelectorAll(".plot")];
    document.querySelectorAll("details").forEach((fold) => {
      fold.addEventListener("toggle", () => places.filter((place) => fold.open && fold.contains(place)).forEach(draw));
    });
    for (const place of places.filter((each) => !each.closest("details"))) {
      await draw(place);
      await new Promise((resume) => setTimeout(resume)); // lets the page answer between two plots
    }
  };
  load().catch((error) => {
    document.querySelectorAll(".plot").forEach((place) => {
      place.textContent = `This browser cannot draw the plots (${error}); the tables have all numbers.`;
    });
  });
})();
