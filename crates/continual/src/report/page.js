// Sorting, filtering, showing one strategy everywhere, saving plots. The page is complete without it.
'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const root = document.documentElement;
  root.classList.add('js');

  // A click on a head sorts by its column; another one turns the order. Cells without a value stay last.
  const value = (row, column) => row.cells[column].dataset.v ?? row.cells[column].textContent;
  const compare = (a, b) => (isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b);
  for (const table of all('table.sorts')) {
    const heads = all('thead th', table);
    heads.forEach((head, at) => {
      if (!head.dataset.sort) return;
      const column = Number(head.dataset.column ?? at);
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const now = head.getAttribute('aria-sort');
        const next = now ? (now === 'ascending' ? 'descending' : 'ascending') : head.dataset.sort;
        heads.forEach((other) => other.removeAttribute('aria-sort'));
        head.setAttribute('aria-sort', next);
        const sign = next === 'ascending' ? 1 : -1;
        const rows = [...table.tBodies[0].rows];
        const keyed = rows.map((row) => [value(row, column), row]);
        keyed.sort(([a], [b]) => (a === '' || b === '' ? (a === '') - (b === '') : sign * compare(a, b)));
        table.tBodies[0].append(...keyed.map(([, row]) => row));
      });
    });
  }

  // Words of the filter, any of which is part of a name.
  const field = document.getElementById('filter');
  const shown = document.getElementById('shown');
  const named = all('tr[data-s]');
  field?.addEventListener('input', () => {
    const words = field.value.toLowerCase().split(/[\s,]+/).filter(Boolean);
    const kept = new Set();
    for (const row of named) {
      const name = row.dataset.name.toLowerCase();
      if (!words.length || words.some((word) => name.includes(word))) kept.add(row.dataset.s);
    }
    for (const one of all('[data-s]')) one.classList.toggle('off', !kept.has(one.dataset.s));
    for (const plot of all('.matrix')) plot.classList.toggle('off', !plot.querySelector('.s:not(.off)'));
    shown.textContent = words.length ? `${kept.size} shown` : '';
  });

  // Under the pointer a strategy stands out in every plot; a click keeps it so.
  const marked = all('[data-s]');
  let kept = null;
  let now = null;
  const stand = (number) => {
    if (number === now) return;
    now = number;
    root.classList.toggle('hot', number !== null);
    for (const one of marked) one.classList.toggle('on', one.dataset.s === number);
  };
  const under = (event) => event.target.closest?.('[data-s]')?.dataset.s ?? null;
  document.addEventListener('mouseover', (event) => stand(under(event) ?? kept));
  document.addEventListener('click', (event) => {
    const number = under(event);
    if (number === null && event.target.closest('a, button, input, summary')) return;
    kept = number === kept ? null : number;
    stand(kept);
  });

  // Plots as they are shown, in one file with its own style.
  const style = document.getElementById('plots').textContent;
  const save = (name, text) => {
    const link = document.createElement('a');
    link.download = name;
    link.href = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  const drawing = (figure) => {
    const plots = all('svg.plot', figure).filter((plot) => !plot.classList.contains('off'));
    if (!plots.length) return '';
    const across = Math.min(plots.length, 5);
    const boxes = plots.map((plot) => plot.viewBox.baseVal);
    const width = Math.max(0, ...boxes.map((box) => box.width));
    const height = Math.max(0, ...boxes.map((box) => box.height));
    const whole = document.createElementNS(plots[0].namespaceURI, 'svg');
    whole.setAttribute('viewBox', `0 0 ${across * (width + 12)} ${Math.ceil(plots.length / across) * (height + 12)}`);
    const rules = document.createElementNS(whole.namespaceURI, 'style');
    rules.textContent = style;
    whole.append(rules);
    plots.forEach((plot, at) => {
      const own = plot.cloneNode(true);
      own.setAttribute('x', (at % across) * (width + 12));
      own.setAttribute('y', Math.floor(at / across) * (height + 12));
      own.setAttribute('width', width);
      own.setAttribute('height', boxes[at].height);
      whole.append(own);
    });
    return new XMLSerializer().serializeToString(whole);
  };
  for (const button of all('button[data-file]')) {
    button.addEventListener('click', () => save(button.dataset.file, drawing(button.closest('figure'))));
  }

  for (const button of all('button.copy')) {
    button.addEventListener('click', () => {
      const text = button.parentElement.nextElementSibling;
      getSelection().selectAllChildren(text);
      navigator.clipboard?.writeText(text.textContent).then(() => (button.textContent = 'Copied'), () => {});
    });
  }
})();
