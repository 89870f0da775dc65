import type { Draw } from '../draw.ts'

/** What has broken parsers before. */
export const fragments: readonly string[] = [
  '__proto__',
  '"__proto__":{"polluted":true},',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '\u{D800}',
  '\u{DC00}',
  '\0',
  '\u{7F}',
  '\u{85}',
  '\u{2028}',
  '\u{FEFF}',
  '\u{FFFE}',
  '"',
  "'",
  '\\',
  String.raw`\u0000`,
  String.raw`\ud800`,
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '[[[[[[[[',
  '0',
  '-0',
  '-1',
  '1e999',
  '1e-999',
  '0x10',
  '00',
  '9007199254740993',
  '340282366920938463463374607431768211456',
  'NaN',
  'Infinity',
  'null',
  'true',
  'undefined',
  '%',
  '%00',
  '%ff',
  '%c3%28',
  '+',
  '&',
  '=',
  ';',
  ' ',
  '\t',
  '\r\n',
  '.',
  '..',
  '/',
  '//',
  '@',
  '?',
  '#',
  '$',
  '|',
  'é',
  '汉',
  '😀',
  'İ',
]

/** Most that one repetition adds: what grows with the square of its input is slow by then. */
const longestRepetition = 20_000

/** Any text: mostly short, of letters, of what has a meaning somewhere, or of any characters. */
export function anyText(draw: Draw, longest = 24): string {
  const pieces = draw.below(longest / 4)
  let text = ''
  for (let piece = 0; piece < pieces; piece++) {
    const kind = draw.below(4)
    if (kind === 0) text += draw.pick(fragments)
    else if (kind === 1) text += String.fromCharCode(draw.below(65_536))
    else if (kind === 2) text += String.fromCharCode(32 + draw.below(95))
    else text += draw.pick(['a', 'orders', '7', 'x-', 'busbar'])
  }
  return text
}

/** `text` with one to four changes. `others` are what it may be spliced with. */
export function mutatedText(draw: Draw, text: string, others: readonly string[] = [text]): string {
  let result = text
  for (let left = 1 + draw.below(4); left > 0; left--) result = changedText(draw, result, others)
  return result
}

function changedText(draw: Draw, text: string, others: readonly string[]): string {
  const from = draw.below(text.length + 1)
  const to = Math.min(text.length, from + 1 + draw.below(draw.chance(0.8) ? 4 : text.length + 1))
  const [before, part, after] = [text.slice(0, from), text.slice(from, to), text.slice(to)]
  switch (draw.below(8)) {
    case 0:
      return before + after
    case 1:
      return before + part.repeat(repetitions(draw, part.length)) + after
    case 2:
      return before + draw.pick(fragments) + after
    case 3:
      return before + draw.pick(fragments) + text.slice(from)
    case 4:
      return before
    case 5: {
      const other = draw.pick(others)
      return before + other.slice(draw.below(other.length + 1))
    }
    case 6:
      return before + (part === '' ? '' : String.fromCharCode(part.charCodeAt(0) ^ (1 << draw.below(16))) + part.slice(1)) + after
    default:
      return before + draw.pick(['[', '{"a":', '(', '"', '%25', '\\']).repeat(repetitions(draw, 2)) + after
  }
}

/** Few as a rule, rarely many. */
function repetitions(draw: Draw, length: number): number {
  const most = draw.chance(0.002) ? longestRepetition : draw.chance(0.05) ? 300 : 4
  return 2 + draw.below(Math.max(1, Math.floor(most / Math.max(1, length))))
}
