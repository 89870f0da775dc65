import { Fields } from './fields.ts'
import { parseSnsNotification } from './sns-message.ts'

/** The fields of a body, or of the message in it if it is an envelope of SNS. Throws `ERR_UNDECODABLE`. */
export function fieldsThroughSns(body: unknown, what: string): Fields {
  const fields = Fields.of(body, what)
  return fields.has('Type') && fields.has('TopicArn') ? Fields.of(parseSnsNotification(fields.values).message, what) : fields
}
