// Measures every frame of the page, and writes what it found as JSON into #found.

// WCAG 2.2, "relative luminance" and "contrast ratio"
const channels = (color) => (color.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const luminance = ([r, g, b]) => {
  const [R, G, B] = [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * R + 0.7152 * G + 0.0722 * B;
};
const over = (top, below) => {
  const alpha = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map((at) => top[at] * alpha + below[at] * (1 - alpha));
};
const contrast = (one, other) => {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};

const canvas = (view) => {
  // the paper behind a page without a colour of its own: what the system calls Canvas in this scheme
  const probe = view.document.createElement("i");
  probe.style.color = "Canvas";
  view.document.body.append(probe);
  const color = channels(view.getComputedStyle(probe).color);
  probe.remove();
  return color;
};

const paper = (view, element, base) => {
  const layers = [];
  for (let each = element; each; each = each.parentElement) layers.push(channels(view.getComputedStyle(each).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top.length > 3 ? top : [...top, 1], below), base);
};

const measure = (frame) => {
  const view = frame.contentWindow, page = view.document, texts = [], links = [];
  const base = canvas(view);
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement, style = view.getComputedStyle(element);
    if (!node.data.trim() || style.display === "none" || style.visibility === "hidden") continue;
    const below = paper(view, element, base), ink = over(channels(style.color), below);
    texts.push({ text: node.data.trim().slice(0, 40), contrast: contrast(ink, below), size: parseFloat(style.fontSize) });
  }
  for (const link of page.querySelectorAll("a")) {
    const box = link.getBoundingClientRect();
    const marked = view.getComputedStyle(link).textDecorationLine.includes("underline");
    links.push({ text: link.textContent.replace("→", "").trim(), height: box.height, width: box.width, alone: link.parentElement.textContent.trim() === link.textContent.trim(), marked });
  }
  return {
    name: frame.dataset.name, scheme: frame.dataset.scheme, width: frame.clientWidth,
    dark: view.matchMedia("(prefers-color-scheme: dark)").matches, paper: luminance(base),
    needed: page.documentElement.scrollWidth, texts, links,
    measure: Math.max(0, ...[...page.querySelectorAll("p, div, blockquote, li, h1, h2")].map((each) => each.clientWidth)),
  };
};

addEventListener("load", () => {
  const frames = [...document.querySelectorAll("iframe")];
  for (const frame of frames) frame.style.height = `${frame.contentDocument.documentElement.scrollHeight}px`;
  document.getElementById("found").textContent = JSON.stringify(frames.map(measure));
});
