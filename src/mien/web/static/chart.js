// A line chart of the last seconds on a canvas; small, since the report pages have the large ones.

import { themeColour } from "./colours.js";

export const SECONDS = 60;
const GAP = 2; // seconds without a value after which a line is broken
const FONT = '12px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';

// ticks: values with lines of their own, of which the first and the last are the ends of the scale.
// lines: [{points: [[seconds, value]], colour, dash}] with ascending seconds. now: the right end.
export const drawChart = (canvas, { ticks, format, unit, lines, now }) => {
  const [width, height, scale] = [canvas.clientWidth, canvas.clientHeight, devicePixelRatio || 1];
  if (!width) return;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const box = { left: 40, right: width - 12, top: 8, bottom: height - 22 };
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const x = (seconds) => box.right + ((seconds - now) / SECONDS) * (box.right - box.left);
  const y = (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top);

  context.font = FONT;
  context.fillStyle = themeColour("muted");
  context.strokeStyle = themeColour("grid");
  context.lineWidth = 1;
  context.setLineDash([]);
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    context.beginPath();
    context.moveTo(box.left, at);
    context.lineTo(box.right, at);
    context.stroke();
    context.fillText(format(tick), box.left - 6, at);
  }
  context.textBaseline = "alphabetic";
  const step = width < 500 ? 20 : 10;
  for (let ago = 0; ago <= SECONDS; ago += step) {
    context.textAlign = ago === 0 ? "right" : "center";
    context.fillText(ago ? `\u2212${ago}` : `0 ${unit}`, ago ? x(now - ago) : box.right + 8, height - 6);
  }

  context.save();
  context.beginPath();
  context.rect(box.left, box.top - 2, box.right - box.left + 2, box.bottom - box.top + 4);
  context.clip();
  context.lineWidth = 2;
  context.lineJoin = "round";
  for (const { points, colour, dash } of lines) {
    context.strokeStyle = colour;
    context.setLineDash(dash);
    context.beginPath();
    let before = -Infinity;
    for (const [seconds, value] of points) {
      if (value === null || value === undefined) continue;
      if (seconds - before > GAP) context.moveTo(x(seconds), y(value));
      context.lineTo(x(seconds), y(value));
      before = seconds;
    }
    context.stroke();
  }
  context.restore();
};
