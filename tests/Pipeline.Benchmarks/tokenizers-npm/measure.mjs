// Tokens per second of Hugging Face's crate through its npm package, one document at a time, on the documents TokenizationBenchmark takes.
// Copy this folder somewhere outside the repository, then:
//   npm install && node measure.mjs TEXT.jsonl ROUNDS TOKENIZER_FOLDER...
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

process.env.TOKENIZERS_PARALLELISM = 'false'
const { Tokenizer } = createRequire(join(process.cwd(), 'package.json'))('tokenizers')
const [, , textFile, rounds, ...folders] = process.argv
const all = readFileSync(textFile, 'utf8').split('\n').filter(Boolean).map(l => JSON.parse(l).text).join('\n')
const documents = []
for (let i = 0; i < all.length; i += 4000) documents.push(all.slice(i, i + 4000))
const crates = folders.map(f => ({ name: basename(f), crate: Tokenizer.fromFile(join(f, 'tokenizer.json')), seconds: [], tokens: 0 }))
for (let round = 0; round <= Number(rounds); round++) {
  for (const c of crates) {
    let tokens = 0
    const begin = process.hrtime.bigint()
    for (const d of documents) tokens += (await c.crate.encode(d, null, { addSpecialTokens: false })).getLength()
    const seconds = Number(process.hrtime.bigint() - begin) / 1e9
    // The first round fills caches.
    if (round > 0) c.seconds.push(seconds)
    c.tokens = tokens
  }
}
for (const c of crates) {
  c.seconds.sort((a, b) => a - b)
  const median = c.seconds[c.seconds.length >> 1]
  console.log(c.name.padEnd(20), (c.tokens / median / 1e6).toFixed(2).padStart(7), 'Mtok/s')
}
