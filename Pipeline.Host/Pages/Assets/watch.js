// Asks every two seconds how the run is and puts the answer into the page. Texts of a run are never taken as markup. What has not changed
// stays as it is: the focus, a place scrolled to and figures that were opened are kept.
(() => {
  const every = 2000, at = id => document.getElementById(id);
  function make(name, text, attributes = {}) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    return made;
  }
  function row(cells, header) {
    const made = make('tr');
    cells.forEach((cell, i) => made.append(header ? make('th', cell, { scope: 'col' }) : i === 0 ? make('th', cell, { scope: 'row' }) : make('td', cell)));
    return made;
  }
  function table({ caption, rows }) {
    const made = make('table'), head = make('thead'), body = make('tbody');
    head.append(row(rows[0], true));
    body.append(...rows.slice(1).map(cells => row(cells, false)));
    made.append(make('caption', caption), head, body);
    return made;
  }
  // A box for each thing, in order, filled again only when what it shows has changed.
  function fill(parent, things, key, create, update) {
    const boxes = new Map([...parent.children].map(box => [box.dataset.key, box]));
    const kept = things.map(thing => {
      const box = boxes.get(key(thing)) ?? create(thing), text = JSON.stringify(thing);
      box.dataset.key = key(thing);
      const changed = box.shown !== text;
      box.shown = text;
      return { box, thing, changed };
    });
    [...parent.children].filter(box => !kept.some(k => k.box === box)).forEach(box => box.remove());
    kept.forEach(({ box }, i) => { if (parent.children[i] !== box) parent.insertBefore(box, parent.children[i] ?? null); });
    const changed = kept.filter(k => k.changed);
    changed.forEach(({ box, thing }) => update(box, thing));
    return changed.length > 0;
  }
  const card = () => make('li');
  const tableBox = ({ caption }) => make('div', '', { class: 'table', tabindex: '0', role: 'region', 'aria-label': caption });
  function figure({ caption }) {
    const made = make('figure', '', { class: 'chart' }), details = make('details');
    details.append(make('summary', 'The latest figures'), tableBox({ caption }));
    made.append(make('figcaption'), make('div', '', { class: 'plot', role: 'img' }), make('script', '', { type: 'application/json' }), details);
    return made;
  }
  function draw(box, chart) {
    const last = chart.x.length - 1;
    box.querySelector('figcaption').textContent = chart.caption;
    box.querySelector('.plot').setAttribute('aria-label', chart.caption);
    box.querySelector('script').textContent = JSON.stringify(chart);
    box.querySelector('.table').replaceChildren(table({ caption: chart.caption, rows: [['step', ...chart.names], [chart.x[last], ...chart.lines.map(line => line[last] ?? '')].map(String)] }));
  }
  function show(view) {
    document.documentElement.dataset.state = view.state;
    if (at('state').textContent !== view.words) at('state').textContent = view.words;
    fill(at('cards'), view.cards, c => c.label, card, (box, c) => box.replaceChildren(make('span', c.label), make('b', c.value)));
    for (const [id, tables] of Object.entries(view.sections)) {
      const filled = at(id).querySelector('.filled');
      fill(filled, tables, t => t.caption, tableBox, (box, t) => box.replaceChildren(table(t)));
      if (tables.length === 0) filled.replaceChildren(make('p', 'None so far.', { class: 'note' }));
    }
    const learning = at('learning').querySelector('.filled');
    // The caption of a long line says how many steps are one point, which changes: the words before that name the chart.
    if (fill(learning, view.charts, c => c.caption.split(' (')[0], figure, draw)) window.drawCharts();
    if (view.charts.length === 0) learning.replaceChildren(make('p', 'Nothing was trained so far.', { class: 'note' }));
  }
  async function ask() {
    try {
      const answer = await fetch('status.json', { cache: 'no-store' });
      if (!answer.ok) throw new Error(await answer.text());
      show(await answer.json());
    } catch (error) {
      document.documentElement.dataset.state = 'unknown';
      at('state').textContent = error instanceof TypeError ? 'alm watch has ended; what is below is what it said last.' : error.message;
    }
    setTimeout(ask, every);
  }
  ask();
})();
