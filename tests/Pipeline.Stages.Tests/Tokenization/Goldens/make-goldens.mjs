// Makes the golden files beside it with Hugging Face's own crate. See README.md.
import { createRequire } from 'node:module'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const { Tokenizer } = createRequire(join(process.cwd(), 'package.json'))('tokenizers')
const here = dirname(fileURLToPath(import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'goldens-'))

const corpus = [
  'The quick brown fox jumps over the lazy dog, and then the dog jumps over the fox again.',
  "It's what we've said: they'll come, I'm sure, you're late, he'd know. IT'S LOUD, WE'VE SAID.",
  'In 2024 the price rose from 1234 to 56789 (about 12.5%), or 1,000,000 in 3 days.',
  'def add(a, b):\n    return a + b\n\n\nfor i in range(10):\n\tprint(i, add(i, 1))\n',
  'Ein schöner Tag für Käse, Größe und Übermut; où est le café déjà vu, señor?',
  '日本語の文章です。中文的句子，数字１２３。한국어 문장도 있다.',
  'Привет, мир! Как дела сегодня? Всё хорошо.',
  'مرحبا بالعالم ١٢٣ हिन्दी में वाक्य १२३',
  'x = y² + z³ ≤ ½ ∑ √ → 😀🎉 𝒜𝓑 𝟙𝟚𝟛',
  '<b>bold</b> & <i>it</i> "quotes" \'single\' -- dash — em; a_b_c snake_case camelCase HTTPServer',
  'the the the and and and ing ing tion tion er er est est  two  spaces   three    four',
].join('\n') + '\n'
writeFileSync(join(scratch, 'corpus.txt'), corpus.repeat(3))

const texts = [
  '', ' ', 'a', 'Hello world', ' Hello  world ', '  leading', 'trailing  ', '\n\n\n', 'a\n\nb \n c\t\td', 'The quick brown fox.',
  "it's IT'S it'ſ we'Ve THEY'LL k'K 'K don't", "'s's 'S 'd'D", '1', '12', '123', '1234', '12345678', '1,234.5', 'a1b2c3', '٣٤٥٦ १२३ １２ 𝟙𝟚𝟛 ²³½ Ⅷ',
  '日本語の文章です。', '中文，句子。数字123', '한국어 문장', 'Привет, мир!', 'مرحبا بالعالم', 'हिन्दी में', '😀🎉👩‍👩‍👧‍👦 🇩🇪', '𝒜𝓑𝒸 𐐀𐐨 𠀀𠀁', 'ａｂｃ ﬁ ﬂ ① ㍿ Å Ω',
  'e\u0301 \u00e9 a\u0323\u0307 a\u0307\u0323 \u1e9b\u0323', '각 \u1100\u1161\u11a8 \uac00\u11a8', '\u0958 \u2126 \u212b \ufb1d', 'ÀÉÎÕÜ ÇŞĞİI ß ẞ ǅ ΑΣΣΑΣ',
  'a\u00a0b\u2003c\u3000d\u2028e\u0085f\u200bg\ufeffh', '\u0000\u0001\u001f\u007f\u0080', 'a\r\nb\rc\n\r\nd', '   \n  \n ', 'x   y', ' \t \n', '...!?!  ,;:', '"quoted" (paren) [brack] {brace}',
  'foo_bar-baz/qux.txt', '$5 + €6 = £7 ^ ~ ` |', 'snake_case camelCase HTTPServer2', 'word\u0301word', 'a_b', '٪؟، ।॥ 、。',
  '<s>hello</s>', 'x<s>y</s> z', '<s> <s>  <s>', ' <s> a', 'a <mask> b', 'a<mask>b', 'a  <mask>  b <mask>\n<mask>', '<mask><mask>', 'foo foobar barfoo foo.', 'Foo FOO foo', 'xfoox foo', '<|end|>\n\n<|user|> hi', '<|end|> <|end|>a',
  'tok1 tok12 tok123', 'the▁the ▁x▁▁y', '▁', '▁▁ ▁', '\u0120hello', '<0x41><0x0A>', 'a b  c   d    e     f', 'ſſ Kelvin', '\u{1F1E6}\u{E0001}\u{10FFFF}\uE000', '\u0378\u0897a\u0301', '\u{11935}\u{11930} \u{105d2}\u0307', 'naïve façade — “quotes” ‘single’ …',
  'don\u2019t it\u2019s', '3.14e-10 0x1F 1_000', 'http://a.b/c?d=e&f=g#h', 'if(x==1){y+=2;}//c', '\t\tindent\n        eight', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'the'.repeat(40), 'ab'.repeat(60) + ' ' + '日本'.repeat(40),
]

const byteLevel = (regex, prefix = false) => ({ type: 'ByteLevel', add_prefix_space: prefix, trim_offsets: true, use_regex: regex })
const split = (regex, behavior = 'Isolated', invert = false) => ({ type: 'Split', pattern: { Regex: regex }, behavior, invert })
const splitText = (text, behavior = 'Isolated', invert = false) => ({ type: 'Split', pattern: { String: text }, behavior, invert })
const seq = (...pretokenizers) => ({ type: 'Sequence', pretokenizers })
const norms = (...normalizers) => ({ type: 'Sequence', normalizers })
const meta = (prepend_scheme, split = true) => ({ type: 'Metaspace', replacement: '▁', prepend_scheme, split })
const replace = (pattern, content) => ({ type: 'Replace', pattern, content })
const llamaDecoder = { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] }
const gemmaDecoder = { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }] }
const added = (content, options = {}) => ({ id: 0, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true, ...options })
const marks = [added('<s>'), added('</s>')]
const template = (...names) => ({
  type: 'TemplateProcessing',
  single: names.map(n => n === 'A' ? { Sequence: { id: 'A', type_id: 0 } } : { SpecialToken: { id: n, type_id: 0 } }),
  pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
  special_tokens: Object.fromEntries(names.filter(n => n !== 'A').map(n => [n, { id: n, ids: [n], tokens: [n] }])),
})

const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
const llama3 = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const cl100k = "'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"
const o200k = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const tekken = "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
const deepseek = [split('\\p{N}{1,3}'), split('[一-龥\\u3040-ゟ゠-ヿ]+'), split('[!"#$%&\'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+')]
const bloom = ' ?[^(\\s|[.,!?…。，、।۔،])]+'

// name: parts of the tokenizer; train is what the small model is trained with where it differs
const variants = {
  'gpt2': { pre: byteLevel(true), dec: byteLevel(true), post: byteLevel(true) },
  'gpt2-prefix-space': { pre: byteLevel(true, true), dec: byteLevel(true, true), post: { type: 'RobertaProcessing', sep: ['</s>', '</s>'], cls: ['<s>', '<s>'], trim_offsets: true, add_prefix_space: true }, added: marks },
  'llama3': { pre: seq(split(llama3), byteLevel(false)), dec: byteLevel(true), added: marks, model: { ignore_merges: true }, whole: true, post: { type: 'Sequence', processors: [byteLevel(true), template('<s>', 'A')] } },
  'qwen': { norm: { type: 'NFC' }, pre: seq(split(llama3.replace('{1,3}', '')), byteLevel(false)), dec: byteLevel(false), added: [added('<|end|>'), added('<|user|>', { special: false })] },
  'cl100k': { pre: seq(split(cl100k, 'Removed', true), byteLevel(false)), dec: byteLevel(true), added: [added('<|end|>', { rstrip: true }), added('<|user|>', { lstrip: true, rstrip: true })] },
  'o200k': { pre: seq(split(o200k), byteLevel(false)), dec: byteLevel(true) },
  'tekken': { pre: seq(split(tekken), byteLevel(false)), dec: byteLevel(true), model: { ignore_merges: true }, whole: true, added: marks, post: template('<s>', 'A') },
  'deepseek': { norm: norms(), pre: seq(...deepseek, byteLevel(false)), dec: byteLevel(true), added: marks, post: template('<s>', 'A') },
  'starcoder': { pre: seq({ type: 'Digits', individual_digits: true }, byteLevel(true)), dec: byteLevel(true) },
  'falcon': { pre: seq({ type: 'Punctuation', behavior: 'Contiguous' }, byteLevel(true), { type: 'Digits', individual_digits: false }, split('[0-9][0-9][0-9]')), dec: byteLevel(true) },
  'neox': { norm: { type: 'NFC' }, pre: byteLevel(true), dec: byteLevel(true), added: [added('  ', { special: false, normalized: true }), added('   ', { special: false, normalized: true }), added('    ', { special: false, normalized: true }), added('<s>')] },
  'bloom': { pre: seq(split(bloom), byteLevel(false)), dec: byteLevel(true), added: marks },
  'bytes': { pre: byteLevel(false), dec: byteLevel(false), merges: 0, added: marks, post: template('<s>', 'A', '</s>') },
  'thousands': { pre: seq(split('(?=(\\d{3})+(?!\\d))'), split(gpt2), byteLevel(false)), dec: byteLevel(true) },
  'look-behind': { pre: seq(split('(?<=[a-z])(?=[A-Z])|(?<!\\d)\\d'), byteLevel(true)), dec: byteLevel(true) },
  'word-boundary': { pre: seq(split('\\b'), byteLevel(false)), dec: byteLevel(true) },
  'anchors': { pre: seq(split('^\\s+|\\s++$|\\h{2}|\\A.'), byteLevel(false)), dec: byteLevel(true) },
  'classes': { pre: seq(split('[\\w&&[^\\d_]]+|[[:punct:]]{1,2}+|(?m:.)(?>a|ab)c?|\\x{1F600}|\\p{^L}\\P{N}|\\p{Han}{2}|(?i)k+', 'MergedWithNext'), byteLevel(false)), dec: byteLevel(true) },
  'lazy': { pre: seq(split('[a-z]{2,4}?|\\d+?\\d|(?i:[sk])+'), byteLevel(false)), dec: byteLevel(true) },
  'empty-matches': { pre: seq(split('[a-z]*'), byteLevel(false)), dec: byteLevel(true) },
  'split-removed': { pre: seq(split('[\\s,]', 'Removed'), byteLevel(false)), dec: byteLevel(true) },
  'split-previous': { pre: seq(split('\\s', 'MergedWithPrevious'), byteLevel(false)), dec: byteLevel(true) },
  'split-next': { pre: seq(split('\\s', 'MergedWithNext'), byteLevel(false)), dec: byteLevel(true) },
  'split-contiguous': { pre: seq(split('\\s', 'Contiguous'), byteLevel(false)), dec: byteLevel(true) },
  'split-inverted-isolated': { pre: seq(split('\\w+', 'Isolated', true), byteLevel(false)), dec: byteLevel(true) },
  'split-inverted-previous': { pre: seq(split('\\w+', 'MergedWithPrevious', true), byteLevel(false)), dec: byteLevel(true) },
  'split-inverted-next': { pre: seq(split('\\w+', 'MergedWithNext', true), byteLevel(false)), dec: byteLevel(true) },
  'split-inverted-contiguous': { pre: seq(split('\\w', 'Contiguous', true), byteLevel(false)), dec: byteLevel(true) },
  'split-string': { pre: seq(splitText('a.b'), splitText('the', 'MergedWithNext'), splitText(' ', 'MergedWithPrevious'), byteLevel(false)), dec: byteLevel(true) },
  'split-astral': { pre: seq(splitText('😀', 'Removed'), split('[\\x{1F300}-\\x{1FAFF}]|\\p{Nd}'), byteLevel(false)), dec: byteLevel(true) },
  'bytes-then-split': { pre: seq(byteLevel(false, true), splitText('\u0120', 'MergedWithNext')), dec: byteLevel(true) },
  'digits': { pre: seq({ type: 'Digits', individual_digits: false }, byteLevel(false)), dec: byteLevel(true) },
  'punctuation-removed': { pre: seq({ type: 'Punctuation', behavior: 'Removed' }, byteLevel(true)), dec: byteLevel(true) },
  'punctuation-next': { pre: seq({ type: 'Punctuation', behavior: 'MergedWithNext' }, byteLevel(false)), dec: byteLevel(true) },
  'whitespace': { pre: { type: 'Whitespace' }, model: { unk_token: '<unk>' }, unk: true, dec: null },
  'whitespace-split': { pre: seq({ type: 'WhitespaceSplit' }, meta('always')), model: { unk_token: '<unk>', fuse_unk: true }, unk: true, dec: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true } },
  'whitespace-split-first': { pre: seq({ type: 'WhitespaceSplit' }, meta('first')), model: { unk_token: '<unk>' }, unk: true, dec: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'first', split: true } },
  'bert': { norm: norms({ type: 'NFD' }, { type: 'Lowercase' }, { type: 'StripAccents' }), pre: { type: 'BertPreTokenizer' }, model: { unk_token: '<unk>' }, unk: true, dec: null, added: [added('<s>'), added('</s>')], post: { type: 'BertProcessing', sep: ['</s>', '</s>'], cls: ['<s>', '<s>'] } },
  'delimiter': { pre: { type: 'CharDelimiterSplit', delimiter: '_' }, model: { unk_token: '<unk>' }, unk: true, dec: null },
  'llama2': { norm: norms({ type: 'Prepend', prepend: '▁' }, replace({ String: ' ' }, '▁')), pre: null, train: meta('never'), model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }, unk: true, fallback: true, dec: llamaDecoder, added: marks, post: template('<s>', 'A') },
  'llama2-normalized-added': { norm: norms({ type: 'Prepend', prepend: '▁' }, replace({ String: ' ' }, '▁')), pre: null, train: meta('never'), model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }, unk: true, fallback: true, dec: llamaDecoder, added: [added('<s>', { normalized: true }), added('foo', { normalized: true, special: false }), added('tok1', { normalized: false, special: false }), added('tok12', { normalized: false })], post: template('<s>', 'A') },
  'gemma': { norm: replace({ String: ' ' }, '▁'), pre: splitText(' ', 'MergedWithPrevious'), train: meta('never', true), model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }, unk: true, fallback: true, dec: gemmaDecoder, added: [...marks, added('\n', { special: false }), added('\n\n', { special: false }), added('\n\n\n', { special: false }), added('\t', { special: false }), added('▁▁', { special: false }), added('<b>', { special: false })], post: template('<s>', 'A') },
  'mistral': { pre: meta('first', false), train: meta('first', true), model: { unk_token: '<unk>', fuse_unk: true, byte_fallback: true }, unk: true, fallback: true, dec: llamaDecoder, added: marks, post: template('<s>', 'A') },
  'metaspace-always-whole': { pre: meta('always', false), model: { unk_token: '<unk>', byte_fallback: true }, unk: true, fallback: true, dec: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false }, added: marks },
  'metaspace-always-split': { pre: meta('always', true), model: { unk_token: '<unk>', fuse_unk: true }, unk: true, dec: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: true }, added: [added('<mask>', { lstrip: true }), added('<s>')] },
  'metaspace-never': { pre: meta('never', true), model: { unk_token: '<unk>', fuse_unk: false }, unk: true, dec: { type: 'Metaspace', replacement: '▁', prepend_scheme: 'never', split: true } },
  'metaspace-legacy': { pre: { type: 'Metaspace', replacement: '_', str_rep: '_', add_prefix_space: true }, model: { unk_token: '<unk>' }, unk: true, dec: { type: 'Metaspace', replacement: '_', str_rep: '_', add_prefix_space: true } },
  'strip-then-first': { norm: { type: 'Strip', strip_left: true, strip_right: true }, pre: meta('first', true), model: { unk_token: '<unk>' }, unk: true, dec: null, added: marks },
  'strip-left': { norm: { type: 'Strip', strip_left: true, strip_right: false }, pre: byteLevel(true), dec: byteLevel(true), added: marks },
  'nfkc': { norm: { type: 'NFKC' }, pre: byteLevel(true), dec: byteLevel(true) },
  'nfkd': { norm: { type: 'NFKD' }, pre: byteLevel(true), dec: byteLevel(true) },
  'lowercase': { norm: { type: 'Lowercase' }, pre: byteLevel(true), dec: byteLevel(true), added: [added('Foo', { normalized: true, special: false }), added('<S>', { normalized: true })] },
  'replace-regex': { norm: norms(replace({ Regex: '\\s+' }, ' '), replace({ Regex: "[‘’]" }, "'"), replace({ String: '--' }, '—')), pre: byteLevel(true), dec: byteLevel(true) },
  'byte-normalizer': { norm: { type: 'ByteLevel' }, pre: null, trainNorm: true, dec: byteLevel(true), added: [added('<s>'), added('é', { normalized: true, special: false })] },
  'single-word': { pre: byteLevel(true), dec: byteLevel(true), added: [added('foo', { single_word: true, special: false }), added('tok1', { special: false }), added('tok12', { special: false, single_word: true }), added('<mask>', { lstrip: true, rstrip: true }), added('<s>', { rstrip: true })] },
  'strip-overlap': { pre: byteLevel(true), dec: byteLevel(true), added: [added('<|end|>', { rstrip: true }), added('<|user|>', { lstrip: true }), added('<mask>', { rstrip: true }), added('\n', { special: false })] },
  'word-suffix': { norm: { type: 'Lowercase' }, pre: { type: 'Whitespace' }, model: { unk_token: '<unk>', end_of_word_suffix: '</w>' }, hand: [['t', 'h'], ['th', 'e</w>'], ['h', 'e'], ['l', 'o</w>'], ['e', 'l'], ['a', 'b</w>'], ['a', 'b'], ['ab', 'ab'], ['abab', 'ab</w>'], ['o', 'o</w>']], unk: true, dec: { type: 'BPEDecoder', suffix: '</w>' } },
  'clip': { norm: norms({ type: 'NFC' }, replace({ Regex: '\\s+' }, ' '), { type: 'Lowercase' }), pre: seq(split("<s>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", 'Removed', true), byteLevel(false)), model: { unk_token: '<unk>', end_of_word_suffix: '</w>' }, hand: [['t', 'h'], ['th', 'e</w>'], ['h', 'e'], ['l', 'o</w>'], ['e', 'l'], ['a', 'b</w>'], ['a', 'b'], ['ab', 'ab'], ['abab', 'ab</w>'], ['o', 'o</w>']], unk: true, dec: byteLevel(true), added: [added('<s>'), added('</s>')], post: { type: 'RobertaProcessing', sep: ['</s>', '</s>'], cls: ['<s>', '<s>'], trim_offsets: false, add_prefix_space: false } },
  'deepseek-coder': { pre: seq(split('[\\r\\n]'), split('\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+'), split('\\s?[!-/:-~！-／：-～‘-‟　-。]+'), split('\\s+$'), split('[一-龥ࠀ-一가-퟿]+'), { type: 'Digits', individual_digits: true }, byteLevel(false)), dec: byteLevel(true), added: marks, post: template('<s>', 'A') },
  'continuing-prefix': { pre: { type: 'WhitespaceSplit' }, model: { unk_token: '<unk>', continuing_subword_prefix: '##' }, prefix: '##', hand: [['t', '##h'], ['th', '##e'], ['##h', '##e'], ['##l', '##o'], ['H', '##e'], ['##a', '##b'], ['##ab', '##ab'], ['a', '##b'], ['ab', '##abab'], ['##e', '##r']], unk: true, dec: null },
  'no-unknown': { pre: { type: 'WhitespaceSplit' }, dec: { type: 'Fuse' } },
  'partial-fallback': { pre: { type: 'WhitespaceSplit' }, model: { unk_token: '<unk>', byte_fallback: true }, unk: true, fallback: 0xe0, dec: { type: 'Sequence', decoders: [{ type: 'ByteFallback' }, { type: 'Strip', content: 'a', start: 1, stop: 0 }, { type: 'Fuse' }] } },
  'no-decoder': { pre: byteLevel(true), dec: null },
}

// Unigram models: trained by the crate, with what files of T5, XLM-R and ALBERT have around them. The map was compiled by SentencePiece
// (spm_train --normalization_rule_tsv) from rules such as \uFB01 to fi, e and U+0301 to \u00e9, and line feeds to spaces.
const charsMap = readFileSync(join(here, 'charsmap.base64'), 'utf8').trim()
const precompiled = { type: 'Precompiled', precompiled_charsmap: charsMap }
Object.assign(variants, {
  'unigram-t5': { norm: precompiled, pre: meta('always'), unigram: ['<pad>', '</s>', '<unk>'], unknown: 2, dec: meta('always'), added: [added('<pad>'), added('</s>'), added('<unk>')], post: template('A', '</s>') },
  'unigram-xlmr': { norm: norms(precompiled, replace({ Regex: ' {2,}' }, ' ')), pre: seq({ type: 'WhitespaceSplit' }, meta('always')), unigram: ['<s>', '<pad>', '</s>', '<unk>'], unknown: 3, dec: meta('always'), added: [added('<s>'), added('<pad>'), added('</s>'), added('<unk>'), added('<mask>', { lstrip: true })], post: template('<s>', 'A', '</s>') },
  'unigram-albert': { norm: norms(replace({ String: '``' }, '"'), replace({ String: "''" }, '"'), { type: 'NFKD' }, { type: 'StripAccents' }, { type: 'Lowercase' }, precompiled), pre: meta('first'), unigram: ['<pad>', '<unk>', '[CLS]', '[SEP]'], unknown: 1, dec: meta('first'), added: [added('<pad>'), added('<unk>'), added('[CLS]'), added('[SEP]')], post: template('[CLS]', 'A', '[SEP]') },
  'unigram-fallback': { pre: meta('always', false), unigram: ['<unk>'], unknown: 0, fallback: true, dec: { type: 'Sequence', decoders: [replace({ String: '\u2581' }, ' '), { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] }, added: [added('<unk>')] },
  'unigram-bytes': { pre: seq(split(gpt2), byteLevel(false)), unigram: [], unknown: null, dec: byteLevel(true), added: [added('<s>')], post: template('<s>', 'A') },
  'unigram-ties': { pre: { type: 'WhitespaceSplit' }, unigram: ['<unk>'], unknown: 0, pieces: [['a', -2], ['b', -2], ['c', -2], ['ab', -4], ['bc', -4], ['abc', -6], ['x', -1], ['xx', -2], ['xxx', -3], ['tok', -3], ['o', -1.5], ['to', -2], ['k', -1]], dec: { type: 'Fuse' } },
})

function unigramModel(v) {
  const learner = Tokenizer.fromString(JSON.stringify(json(v, { type: 'Unigram', unk_id: 0, vocab: [['<unk>', 0]], byte_fallback: false }, { normalizer: null, added_tokens: [], post_processor: null, decoder: null })))
  let pieces = v.pieces
  if (!pieces) {
    learner.train([join(scratch, 'corpus.txt')])
    learner.save(join(scratch, 'trained.json'))
    pieces = JSON.parse(readFileSync(join(scratch, 'trained.json'), 'utf8')).model.vocab
  }
  const bytes = v.fallback ? Array.from({ length: 256 }, (_, b) => [`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`, -30]) : []
  const alphabet = []
  if (v.unknown === null) {
    const known = new Set(pieces.map(([t]) => t))
    let next = 256
    for (let b = 0; b < 256; b++) {
      const c = String.fromCharCode((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : next++)
      if (!known.has(c)) alphabet.push([c, -25])
    }
  }
  const vocab = [...v.unigram.map(t => [t, 0]), ...bytes, ...alphabet, ...pieces.filter(([t]) => !v.unigram.includes(t))]
  return { type: 'Unigram', unk_id: v.unknown, vocab, byte_fallback: !!v.fallback }
}

const join2 = (v, a, b) => a + (v.prefix ? b.slice(v.prefix.length) : b)

// a model by hand, where the crate's default trainer cannot make one
function handModel(v, base) {
  const tokens = ['<unk>', ...'abcdehilortHTB.,1']
  tokens.push(...tokens.slice(1).map(t => v.prefix ? v.prefix + t : t + '</w>'), v.prefix ? '##abab' : 'abab')
  for (const [a, b] of v.hand) tokens.push(join2(v, a, b))
  const vocab = {}
  for (const t of tokens) vocab[t] ??= Object.keys(vocab).length
  return { type: 'BPE', ...base, ...v.model, vocab, merges: v.hand }
}

function model(v) {
  const base = { dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false }
  if (v.hand) return handModel(v, base)
  const empty = { type: 'BPE', ...base, vocab: {}, merges: [] }
  const learner = Tokenizer.fromString(JSON.stringify(json(v, empty, { normalizer: v.train && !v.trainNorm ? null : v.norm ?? null, pre_tokenizer: v.train ?? v.pre, added_tokens: [], post_processor: null, decoder: null })))
  learner.train([join(scratch, 'corpus.txt')])
  learner.save(join(scratch, 'trained.json'))
  const trained = JSON.parse(readFileSync(join(scratch, 'trained.json'), 'utf8')).model
  const merges = trained.merges.slice(0, v.merges ?? 160)
  // only what the vocabulary needs: the alphabet (for bytes: all of it) and the merges that were kept
  const tokens = v.unk ? ['<unk>'] : []
  const isBytes = JSON.stringify([v.pre, v.norm]).includes('ByteLevel')
  if (isBytes) for (let b = 0; b < 256; b++) tokens.push((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? String.fromCharCode(b) : null)
  let next = 256
  for (let i = 0; i < tokens.length; i++) tokens[i] ??= String.fromCharCode(next++)
  if (v.fallback) for (let b = v.fallback === true ? 0 : v.fallback; b < 256; b++) tokens.push(`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`)
  const made = new Set(trained.merges.map(([a, b]) => a + b))
  if (!isBytes) tokens.push(...Object.keys(trained.vocab).filter(t => !made.has(t)).sort().filter((t, i) => i % 9 !== 5 || merges.some(m => m.includes(t))))
  for (const [a, b] of merges) tokens.push(a + b)
  // tokens that no merge makes, for ignore_merges to find
  if (v.whole) tokens.push('\u0120quick', '\u0120jumps', 'Hello', '\u0120world', '\u0120\u0120\u0120')
  const vocab = {}
  for (const t of tokens) vocab[t] ??= Object.keys(vocab).length
  return { type: 'BPE', ...base, ...v.model, vocab, merges }
}

function json(v, model, parts) {
  return { version: '1.0', truncation: null, padding: null, added_tokens: [], normalizer: v.norm ?? null, pre_tokenizer: v.pre, post_processor: v.post ?? null, decoder: v.dec ?? null, model, ...parts }
}

// null: the crate itself does not take the text (its own defect); the file then says so
const attempt = async f => { try { return await f() } catch { return null } }

const only = process.argv[2]
for (const [name, v] of Object.entries(variants)) {
  if (only && only !== name) continue
  const m = v.unigram ? unigramModel(v) : model(v)
  const known = v.unigram ? Object.fromEntries(m.vocab.map(([t], i) => [t, i])) : m.vocab
  let next = v.unigram ? m.vocab.length : Object.keys(m.vocab).length
  const tokens = (v.added ?? []).map(t => ({ ...t, id: known[t.content] ?? next++ }))
  const idOf = n => tokens.find(t => t.content === n)?.id
  const post = v.post && JSON.parse(JSON.stringify(v.post), (k, x) => k === 'ids' ? x.map(idOf) : (k === 'sep' || k === 'cls') ? [x[0], idOf(x[0])] : x)
  const tokenizer = json(v, m, { added_tokens: tokens, post_processor: post ?? null })
  let crate
  try { crate = Tokenizer.fromString(JSON.stringify(tokenizer)) } catch (e) { console.log(name, 'does not load:', String(e).slice(0, 200)); continue }
  const cases = []
  for (const text of texts) {
    const ids = await attempt(async () => (await crate.encode(text, null, { addSpecialTokens: false })).getIds())
    if (ids === null) { console.log(name, 'does not take', JSON.stringify(text)); continue }
    cases.push({
      text, ids,
      idsWithSpecials: (await crate.encode(text, null, { addSpecialTokens: true })).getIds(),
      decoded: await attempt(() => crate.decode(ids, false)),
      decodedWithoutSpecials: await attempt(() => crate.decode(ids, true)),
    })
  }
  writeFileSync(join(here, `${name}.json`), `{"tokenizer":${JSON.stringify(tokenizer)},\n"cases":[\n${cases.map(c => JSON.stringify(c)).join(',\n')}\n]}\n`)
  console.log(name, Object.keys(m.vocab).length, m.merges?.length ?? 'unigram', cases.length)
}

// What the crate's own trainer learns from the corpus: the order of merges, ties included.
if (!only) {
  const learner = Tokenizer.fromString(JSON.stringify(json({}, { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab: {}, merges: [] }, { pre_tokenizer: byteLevel(true) })))
  learner.train([join(scratch, 'corpus.txt')])
  learner.save(join(scratch, 'trained.json'))
  const { merges } = JSON.parse(readFileSync(join(scratch, 'trained.json'), 'utf8')).model
  writeFileSync(join(here, 'training', 'merges.json'), JSON.stringify({ corpus: corpus.repeat(3), merges }) + '\n')
}
