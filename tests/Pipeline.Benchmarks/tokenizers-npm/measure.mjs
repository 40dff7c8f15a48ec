// Tokens and seconds of Hugging Face's crate through its npm package, one document at a time, on the documents TokenizationBenchmark takes,
// which starts it. Copy this folder somewhere outside the repository, run `npm install` there, and give the copy as --crate.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

process.env.TOKENIZERS_PARALLELISM = 'false'
const { Tokenizer } = createRequire(join(process.cwd(), 'package.json'))('tokenizers')
const documents = readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean).map(l => JSON.parse(l))
const loaded = new Map()
for await (const file of createInterface({ input: process.stdin })) {
  if (!loaded.has(file)) loaded.set(file, Tokenizer.fromFile(file))
  const crate = loaded.get(file)
  let tokens = 0
  const begin = process.hrtime.bigint()
  for (const d of documents) tokens += (await crate.encode(d, null, { addSpecialTokens: false })).getLength()
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  console.log(`${tokens} ${seconds}`)
}
