// Draws every chart of the page from the JSON beside it, in the page's own colours, and again when the width or the colours change.
(() => {
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const drawn = [], whole = Array.from({ length: 30 }, (_, i) => [1, 2, 5][i % 3] * 10 ** Math.floor(i / 3));
  function draw(figure) {
    const box = figure.querySelector('.plot'), data = JSON.parse(figure.querySelector('script').textContent);
    box.textContent = '';
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { stroke: colour('--line') } };
    const short = value => value === null || value === undefined ? '' : Number(value.toPrecision(4)).toString();
    drawn.push(new uPlot({
      width: Math.max(280, box.clientWidth), height: 256,
      scales: { x: { time: false }, y: data.logarithmic ? { distr: 3 } : {} },
      axes: [{ ...axis, label: 'step', labelSize: 18, incrs: whole }, { ...axis, size: 64, values: (_, ticks) => ticks.map(short) }],
      series: [{ label: 'step' }, ...data.names.map((name, i) => ({ label: name, stroke: colour('--c' + i % 6), width: 1.5, spanGaps: true, dash: i < 6 ? undefined : [6, 4], value: (_, v) => short(v) }))],
    }, [data.x, ...data.lines], box));
  }
  function all() {
    drawn.splice(0).forEach(plot => plot.destroy());
    document.querySelectorAll('figure.chart').forEach(draw);
  }
  window.drawCharts = all;
  all();
  let wait;
  addEventListener('resize', () => { clearTimeout(wait); wait = setTimeout(all, 150); });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', all);
  addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(part => part.open = true));
})();
