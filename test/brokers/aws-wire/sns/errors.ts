import { serviceError } from '../service-errors.ts'
import { WireError } from '../wire-error.ts'

/** SNS begins most refusals in the same way. */
export function invalidParameter(text: string): WireError {
  return new WireError('InvalidParameter', `Invalid parameter: ${text}`)
}

/** What is wrong with a message attribute has a code of its own. */
export function invalidAttribute(text: string): WireError {
  return new WireError('ParameterValueInvalid', text)
}

export function topicDoesNotExist(): WireError {
  return serviceError('NotFound', 'Topic does not exist')
}

export function subscriptionDoesNotExist(): WireError {
  return serviceError('NotFound', 'Subscription does not exist')
}
