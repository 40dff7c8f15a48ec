// A small run of the quick start in another process, and alm watch beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const program = join(root, 'artifacts', 'bin', 'Pipeline.Host', 'release', 'alm.dll');

// Small enough for a minute on two cores.
const small = ['threads=1', 'flows.score.read-parquet.maxRows=80', 'flows.distill.batch.tokens=1024',
  'flows.distill.update-student.checkpointEvery=3', 'flows.judge.read-parquet.maxRows=10'].flatMap(set => ['--set', set]);

function alm(...words) {
  const child = spawn('dotnet', [program, ...words], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  child.said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => { child.said += data; });
  child.ended = new Promise(resolve => child.on('exit', (code, signal) => resolve(code ?? signal)));
  return child;
}

export const startRun = (folder, steps) => alm('run', join('pipelines', 'quickstart.json'), '--run', folder, '--plain', ...small, '--set', `flows.distill.update-student.steps=${steps}`);

export async function until(what, holds, seconds = 240) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 100))) {
    const found = await holds();
    if (found) return found;
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

export async function startWatch(folder) {
  await until('the run has begun', () => existsSync(join(folder, 'definition.json')));
  const watch = alm('watch', folder, '--port', '0');
  watch.url = await until('alm watch listens', () => watch.said.match(/http:\S+/)?.[0]);
  return watch;
}
