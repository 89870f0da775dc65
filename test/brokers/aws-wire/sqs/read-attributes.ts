import { isSqsText } from '@busbar/memory/engine'
import { inputMap, invalid, isInput, optionalText, type Input } from '../input.ts'
import { serviceError } from '../service-errors.ts'
import { WireError } from '../wire-error.ts'
import type { WireAttribute } from './message.ts'

const maxAttributes = 10
const maxNameLength = 256

/** The attribute `AWSTraceHeader`, the only one of its kind that clients may set. */
export function readTraceHeader(input: Input): string | undefined {
  let header: string | undefined
  for (const [name, value] of inputMap(input, 'MessageSystemAttributes')) {
    if (name !== 'AWSTraceHeader') throw invalid('MessageSystemAttributes', name, 'The only message system attribute that can be set is AWSTraceHeader.')
    const attribute = readAttribute(name, value)
    if (typeof attribute.value !== 'string') throw invalid(name, attribute.dataType, 'Its type must be String.')
    header = attribute.value
  }
  return header
}

/** User attributes. Throws for what the service does not take. */
export function readAttributes(input: Input): ReadonlyMap<string, WireAttribute> {
  const given = inputMap(input, 'MessageAttributes')
  if (given.size > maxAttributes) throw refused(`Number of message attributes [${given.size}] exceeds the allowed maximum [${maxAttributes}].`)
  return new Map([...given].map(([name, value]) => [name, readAttribute(checkedName(name), value)]))
}

function readAttribute(name: string, given: unknown): WireAttribute {
  if (!isInput(given)) throw refused(`Message (user) attribute '${name}' must be a structure.`)
  const dataType = optionalText(given, 'DataType') ?? ''
  const [kind] = dataType.split('.')
  if ((kind !== 'String' && kind !== 'Number' && kind !== 'Binary') || dataType.endsWith('.') || dataType.length > maxNameLength)
    throw refused(`The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`)
  if (notEmpty(given, 'StringListValues') || notEmpty(given, 'BinaryListValues'))
    throw serviceError('UnsupportedOperation', 'Message attribute list values in SendMessage operation are not supported.')
  const value = optionalText(given, kind === 'Binary' ? 'BinaryValue' : 'StringValue') ?? ''
  if (value === '') throw refused(`Message (user) attribute '${name}' must contain a non-empty value of type '${kind}'.`)
  if (kind === 'Binary') return { dataType, value: Buffer.from(value, 'base64') }
  if (!isSqsText(value)) throw illegalCharacters()
  if (kind === 'Number' && !isNumber(value)) throw refused(`Can't cast the value of message (user) attribute '${name}' to a number.`)
  return { dataType, value }
}

export function illegalCharacters(): WireError {
  return serviceError(
    'InvalidMessageContents',
    'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
  )
}

function checkedName(name: string): string {
  if (name.length > maxNameLength || !/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(name))
    throw refused(`Message (user) attribute name '${name.slice(0, maxNameLength)}' can only include alphanumeric characters, hyphens, underscores, or dots.`)
  if (/^(aws|amazon)\./i.test(name)) throw refused(`Message (user) attribute name '${name}' can not start with AWS. or Amazon.`)
  return name
}

/** A decimal number of up to 38 digits, from 10^-128 to 10^126. */
function isNumber(value: string): boolean {
  const [, digits, fraction = ''] = /^[+-]?(\d*)(?:\.(\d+))?(?:[eE][+-]?\d+)?$/.exec(value) ?? []
  if (digits === undefined || digits + fraction === '') return false
  const significant = (digits + fraction).replace(/^0+/, '').replace(/0+$/, '')
  const size = Math.abs(Number(value))
  return significant.length <= 38 && (significant === '' || (size >= 1e-128 && size <= 1e126))
}

function notEmpty(given: Input, name: string): boolean {
  const value = given[name]
  return Array.isArray(value) && value.length > 0
}

function refused(text: string): WireError {
  return new WireError('InvalidParameterValue', text)
}
