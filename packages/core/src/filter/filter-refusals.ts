/** A filter that is refused, and the reason at the end of the error. */
export interface FilterRefusal {
  readonly rule: string
  readonly scope: 'body' | 'headers'
  readonly filter: unknown
  readonly reason: string
}

const values = (count: number): string[] => Array.from({ length: count }, (_, index) => `v${index}`)

const complex = 'Filter policy is too complex'
const scalar = 'Match value must be String, number, true, false, or null'

export const filterRefusals: readonly FilterRefusal[] = [
  {
    rule: 'more than five keys',
    scope: 'body',
    filter: { a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'], f: ['1'] },
    reason: 'Filter policy can not have more than 5 keys',
  },
  { rule: 'more than 150 combinations', scope: 'body', filter: { a: values(151) }, reason: complex },
  { rule: 'combinations are a product', scope: 'body', filter: { a: values(16), b: values(10) }, reason: complex },
  { rule: 'combinations count nesting (2 × 76)', scope: 'body', filter: { a: { b: values(76) } }, reason: complex },
  { rule: 'combinations add up alternatives of $or', scope: 'body', filter: { a: values(3), $or: [{ b: values(50) }, { c: ['x'] }] }, reason: complex },
  { rule: 'longer than 256 KB', scope: 'body', filter: { a: ['x'.repeat(256 * 1024)] }, reason: 'Filter policy is too long: at most 256 KB' },
  { rule: 'empty array', scope: 'body', filter: { a: [] }, reason: 'Empty arrays are not allowed' },
  { rule: 'empty object', scope: 'body', filter: {}, reason: 'Empty objects are not allowed' },
  { rule: 'empty nested object', scope: 'body', filter: { a: {} }, reason: 'Empty objects are not allowed' },
  { rule: 'no object', scope: 'body', filter: ['x'], reason: 'the filter must be an object' },
  { rule: 'a leaf that is neither array nor object', scope: 'body', filter: { key: 'x' }, reason: '"key" must be an object or an array' },
  { rule: 'a nested leaf that is neither', scope: 'body', filter: { a: { key: 5 } }, reason: '"key" must be an object or an array' },
  { rule: 'two operators in one object', scope: 'body', filter: { a: [{ prefix: 'x', suffix: 'y' }] }, reason: 'Only one key allowed in match expression' },
  { rule: 'no operator in an object', scope: 'body', filter: { a: [{}] }, reason: 'Only one key allowed in match expression' },
  { rule: 'an array where a value is expected', scope: 'body', filter: { a: [['x']] }, reason: scalar },
  { rule: 'undefined where a value is expected', scope: 'body', filter: { a: [undefined] }, reason: scalar },
  { rule: 'NaN is no JSON', scope: 'body', filter: { a: [Number.NaN] }, reason: scalar },
  { rule: 'unknown operator', scope: 'body', filter: { a: [{ startsWith: 'x' }] }, reason: 'Unrecognized match type startsWith' },
  { rule: 'wildcard is EventBridge only', scope: 'body', filter: { a: [{ wildcard: 'x*' }] }, reason: 'Unrecognized match type wildcard' },
  { rule: '$or with a single policy is an ordinary key', scope: 'body', filter: { $or: [{ a: ['x'] }] }, reason: 'Unrecognized match type a' },
  { rule: '$or of operators', scope: 'body', filter: { $or: [{ prefix: 'x' }, { suffix: 'y' }] }, reason: '"prefix" must be an object or an array' },
  { rule: 'anything-but with suffix', scope: 'body', filter: { a: [{ 'anything-but': { suffix: 'x' } }] }, reason: 'Unsupported anything-but pattern: suffix' },
  {
    rule: 'anything-but with exists',
    scope: 'body',
    filter: { a: [{ 'anything-but': { exists: true } }] },
    reason: 'Unsupported anything-but pattern: exists',
  },
  {
    rule: 'anything-but with a prefix that is no text',
    scope: 'body',
    filter: { a: [{ 'anything-but': { prefix: 5 } }] },
    reason: 'prefix match pattern must be a string',
  },
  { rule: 'anything-but with nothing', scope: 'body', filter: { a: [{ 'anything-but': [] }] }, reason: 'Empty arrays are not allowed' },
  { rule: 'anything-but with mixed types', scope: 'body', filter: { a: [{ 'anything-but': ['x', 5] }] }, reason: 'mixed type is not supported' },
  { rule: 'anything-but with null', scope: 'body', filter: { a: [{ 'anything-but': null }] }, reason: 'mixed type is not supported' },
  { rule: 'prefix that is no text', scope: 'body', filter: { a: [{ prefix: 5 }] }, reason: 'prefix match pattern must be a string' },
  { rule: 'suffix that is no text', scope: 'body', filter: { a: [{ suffix: ['x'] }] }, reason: 'suffix match pattern must be a string' },
  {
    rule: 'equals-ignore-case that is no text',
    scope: 'body',
    filter: { a: [{ 'equals-ignore-case': null }] },
    reason: 'equals-ignore-case match pattern must be a string',
  },
  { rule: 'exists that is no boolean', scope: 'body', filter: { a: [{ exists: 'true' }] }, reason: 'exists match pattern must be either true or false.' },
  { rule: 'numeric operand that is no number', scope: 'body', filter: { a: [{ numeric: ['<', '5'] }] }, reason: 'Value of < must be numeric' },
  { rule: 'numeric = operand that is no number', scope: 'body', filter: { a: [{ numeric: ['=', '5'] }] }, reason: 'Value of equals must be numeric' },
  { rule: 'numeric without an operand', scope: 'body', filter: { a: [{ numeric: ['>='] }] }, reason: 'Value of >= must be numeric' },
  { rule: 'numeric upper operand that is no number', scope: 'body', filter: { a: [{ numeric: ['>', 1, '<=', null] }] }, reason: 'Value of <= must be numeric' },
  {
    rule: 'numeric operand out of range',
    scope: 'body',
    filter: { a: [{ numeric: ['<', 1_000_000_001] }] },
    reason: 'Value of < must be between -1000000000 and 1000000000, with at most 5 decimals',
  },
  {
    rule: 'numeric operand with six decimals',
    scope: 'body',
    filter: { a: [{ numeric: ['<', 0.000_001] }] },
    reason: 'Value of < must be between -1000000000 and 1000000000, with at most 5 decimals',
  },
  { rule: 'numeric unknown operator', scope: 'body', filter: { a: [{ numeric: ['!=', 5] }] }, reason: 'Unrecognized numeric range operator: !=' },
  {
    rule: 'numeric second half that is no upper bound',
    scope: 'body',
    filter: { a: [{ numeric: ['>', 1, '>', 5] }] },
    reason: 'Bad numeric range operator: >',
  },
  { rule: 'numeric bounds equal', scope: 'body', filter: { a: [{ numeric: ['>=', 5, '<=', 5] }] }, reason: 'Bottom must be less than top' },
  { rule: 'numeric bounds crossed', scope: 'body', filter: { a: [{ numeric: ['>', 6, '<', 5] }] }, reason: 'Bottom must be less than top' },
  { rule: 'numeric = with more', scope: 'body', filter: { a: [{ numeric: ['=', 5, '<', 6] }] }, reason: 'Too many elements in numeric expression' },
  {
    rule: 'numeric range with more',
    scope: 'body',
    filter: { a: [{ numeric: ['>', 1, '<', 5, '<', 6] }] },
    reason: 'Too many terms in numeric range expression',
  },
  { rule: 'numeric that is no list', scope: 'body', filter: { a: [{ numeric: 5 }] }, reason: 'Invalid member in numeric match: ]' },
  { rule: 'numeric that begins with a number', scope: 'body', filter: { a: [{ numeric: [5] }] }, reason: 'Invalid member in numeric match: 5' },
  { rule: 'cidr without a mask', scope: 'body', filter: { a: [{ cidr: '10.0.0.0' }] }, reason: "Malformed CIDR, one '/' required" },
  { rule: 'cidr with two masks', scope: 'body', filter: { a: [{ cidr: '10.0.0.0/8/8' }] }, reason: "Malformed CIDR, one '/' required" },
  {
    rule: 'cidr with a mask that is no number',
    scope: 'body',
    filter: { a: [{ cidr: '10.0.0.0/x' }] },
    reason: 'Malformed CIDR, mask bits must be an integer',
  },
  { rule: 'cidr of a name', scope: 'body', filter: { a: [{ cidr: 'localhost/8' }] }, reason: 'Nonstandard IP address: localhost' },
  { rule: 'cidr of half an address', scope: 'body', filter: { a: [{ cidr: '10.0.0/8' }] }, reason: 'Nonstandard IP address: 10.0.0' },
  { rule: 'cidr with too wide a mask', scope: 'body', filter: { a: [{ cidr: '10.0.0.0/32' }] }, reason: 'IPv4 mask bits must be < 32' },
  { rule: 'cidr that is no text', scope: 'body', filter: { a: [{ cidr: 8 }] }, reason: 'prefix match pattern must be a string' },

  {
    rule: 'headers do not nest',
    scope: 'headers',
    filter: { a: { b: ['x'] } },
    reason: 'Filter policy scope MessageAttributes does not support nested filter policy',
  },
  { rule: 'a header condition that is neither', scope: 'headers', filter: { key: 'x' }, reason: '"key" must be an object or an array' },
  {
    rule: 'numeric on headers',
    scope: 'headers',
    filter: { a: [{ numeric: ['>', 5] }] },
    reason: 'numeric never matches; header values are text: compare with a string',
  },
  { rule: 'a number on headers', scope: 'headers', filter: { a: [5] }, reason: '5 never matches; header values are text: compare with a string' },
  { rule: 'null on headers', scope: 'headers', filter: { a: [null] }, reason: 'null never matches; header values are text: compare with a string' },
  {
    rule: 'numbers in anything-but on headers',
    scope: 'headers',
    filter: { a: [{ 'anything-but': [5] }] },
    reason: 'a number never matches; header values are text: compare with a string',
  },
  {
    rule: 'more than five header names',
    scope: 'headers',
    filter: { a: ['1'], b: ['1'], c: ['1'], d: ['1'], e: ['1'], f: ['1'] },
    reason: 'Filter policy can not have more than 5 keys',
  },
  { rule: 'more than 150 header combinations', scope: 'headers', filter: { a: values(151) }, reason: complex },
  { rule: 'an empty header list', scope: 'headers', filter: { a: [] }, reason: 'Empty arrays are not allowed' },
  { rule: 'unknown header operator', scope: 'headers', filter: { a: [{ wildcard: 'x' }] }, reason: 'Unrecognized match type wildcard' },
]
