// What CloudWatch would have of the chosen function: latency, stages of its cold starts, batches, versions, errors, cost.
import { html, svg } from 'lit-html';
import type { PageMetric } from '../page-data.ts';
import { metrics, percentile } from './metrics.ts';
import { milliseconds } from './waterfall.ts';

export function metricsView(name: string) {
  const own = metrics.filter((metric) => metric.function === name);
  const of = (metric: string) => own.filter((each) => each.name === metric);
  const sum = (metric: string) =>
    of(metric).reduce((all, { values }) => all + values.reduce((own, [, value]) => own + value, 0), 0);
  const requests = of('Latency').reduce((all, { values }) => all + values.length, 0);
  return html`<section class="metrics" aria-labelledby="metrics">
    <h2 id="metrics">Metrics</h2>
    ${
      own.length === 0
        ? html`<p class="empty">None yet: functions made by inference() write them with each answer.</p>`
        : html`<p class="counts">
              <b>${requests}</b> requests, <b>${sum('ColdRequests')}</b> cold, <b>${sum('Refused')}</b> refused,
              <b>${sum('Failed')}</b> failed; about <b>$${(sum('CostMicrodollars') / 1e6).toFixed(6)}</b>
              <small>by us-east-1’s prices</small>
            </p>
            <div class="scroll"><table>
              <thead>
                <tr><th>metric</th><th>over time</th><th class="number">p50</th><th class="number">p95</th></tr>
              </thead>
              <tbody>
                ${of('Latency').map((metric) => row('latency', metric))} ${models(own).map((model) => perModel(model, own))}
                ${stages.flatMap(of).map((metric) => row(`cold start: ${metric.name}`, metric))}
              </tbody>
            </table></div>
            ${counted('Versions', of('Runs'), ({ Model, Version }) => `${Model} ${Version}`)}
            ${counted('Errors by code', of('Errors'), ({ Code = '' }) => Code)}`
    }
  </section>`;
}

const stages = ['Boot', 'Import', 'Resolve', 'Fetch', 'Verify', 'Runtime', 'Create', 'Warm', 'FirstRun', 'ColdStart'];

const ofModels = { Run: 'ran', Queue: 'waited', BatchRows: 'rows a run' } as const;

function models(own: readonly PageMetric[]): string[] {
  return [...new Set(own.flatMap(({ name, dimensions: { Model } }) => (name === 'Run' && Model ? [Model] : [])))];
}

function perModel(model: string, own: readonly PageMetric[]) {
  return Object.entries(ofModels).flatMap(([name, label]) =>
    own
      .filter((metric) => metric.name === name && metric.dimensions['Model'] === model)
      .map((metric) => row(`${model}: ${label}`, metric)),
  );
}

function row(label: string, metric: PageMetric) {
  const values = metric.values.map(([, value]) => value);
  const shown = (value: number) => (metric.unit === 'Milliseconds' ? milliseconds(value) : value.toFixed(0));
  return html`<tr>
    <th scope="row">${label}</th>
    <td>${sparkline(metric)}</td>
    <td class="number">${shown(percentile(values, 0.5))}</td>
    <td class="number">${shown(percentile(values, 0.95))}</td>
  </tr>`;
}

/** Values by their time, from 0 to the largest. */
function sparkline({ values }: PageMetric) {
  const [first = 0, last = 0] = [values[0]?.[0], values.at(-1)?.[0]];
  const most = Math.max(...values.map(([, value]) => value)) || 1;
  const x = (at: number) => (last === first ? 50 : 1 + ((at - first) / (last - first)) * 98);
  const points = values.map(([at, value]) => ({ x: x(at), y: 19 - (value / most) * 18 }));
  return html`<svg class="sparkline" viewBox="0 0 100 20" preserveAspectRatio="none" role="img" aria-label="${values.length} values, at most ${most.toFixed(1)}">
    <polyline points=${points.map((point) => `${point.x.toFixed(1)},${point.y.toFixed(1)}`).join(' ')} />
    ${points.length === 1 ? svg`<circle cx=${points[0]!.x} cy=${points[0]!.y} r="1.5" />` : ''}
  </svg>`;
}

function counted(
  title: string,
  found: readonly PageMetric[],
  labelOf: (dimensions: PageMetric['dimensions']) => string,
) {
  if (found.length === 0) return '';
  return html`<h3>${title}</h3>
    <ul class="counted">
      ${found.map(({ dimensions, values }) => html`<li><code>${labelOf(dimensions)}</code> × ${values.reduce((all, [, value]) => all + value, 0)}</li>`)}
    </ul>`;
}
