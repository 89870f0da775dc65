import { invalid, optionalInteger, optionalText, text, type Input } from '../input.ts'
import { serviceError } from '../service-errors.ts'
import { WireError } from '../wire-error.ts'
import type { SqsAction, SqsCall } from './call.ts'
import type { MoveTask } from './move-tasks.ts'
import type { WireQueue } from './wire-queue.ts'

const maxPerSecond = 500
const maxResults = 10

export const startMessageMoveTask: SqsAction = (call) => {
  const { input, queues, tasks } = call
  const source = sourceOf(call)
  const destinationArn = optionalText(input, 'DestinationArn')
  const perSecond = optionalInteger(input, 'MaxNumberOfMessagesPerSecond', 1, maxPerSecond)
  if (queues.sourcesOf(source).length === 0) throw refused('Source queue must be configured as a Dead Letter Queue.')
  if (destinationArn === source.arn) throw refused('Source queue arn and destination queue arn cannot be the same.')
  if (destinationArn !== undefined && queues.byArn(destinationArn) === undefined)
    throw notFound("The resource that you specified for the DestinationArn parameter doesn't exist.")
  if (tasks.of(source).some((task) => task.active))
    throw refused('There is already a task running. Only one active task is allowed for a source queue arn at a given time.')
  return { TaskHandle: tasks.start({ source, destinationArn, perSecond }).handle }
}

export const listMessageMoveTasks: SqsAction = (call) => {
  const most = optionalInteger(call.input, 'MaxResults', 1, maxResults) ?? 1
  return { Results: call.tasks.of(sourceOf(call)).slice(0, most).map(describe) }
}

export const cancelMessageMoveTask: SqsAction = ({ tasks, input }) => {
  const handle = text(input, 'TaskHandle')
  checkHandle(handle)
  const task = tasks.find(handle)
  if (task === undefined) throw notFound('Task does not exist.')
  if (task.status !== 'RUNNING') throw refused('Only active tasks can be cancelled.')
  task.cancel()
  return { ApproximateNumberOfMessagesMoved: task.moved }
}

function sourceOf({ input, queues }: SqsCall): WireQueue {
  const arn = text(input, 'SourceArn')
  const source = queues.byArn(arn)
  if (source === undefined) throw notFound("The resource that you specified for the SourceArn parameter doesn't exist.")
  return source
}

function checkHandle(handle: string): void {
  try {
    const { taskId } = JSON.parse(Buffer.from(handle, 'base64').toString('utf8')) as Input
    if (typeof taskId === 'string') return
  } catch {
    // Falls through: what is no JSON is no handle.
  }
  throw invalid('TaskHandle', handle, 'The task handle is not valid.')
}

/** The handle is told only while it is of use. */
function describe(task: MoveTask): object {
  const { source, destinationArn, perSecond } = task.request
  return {
    TaskHandle: task.status === 'RUNNING' ? task.handle : undefined,
    Status: task.status,
    SourceArn: source.arn,
    DestinationArn: destinationArn,
    MaxNumberOfMessagesPerSecond: perSecond,
    ApproximateNumberOfMessagesMoved: task.moved,
    ApproximateNumberOfMessagesToMove: task.toMove,
    FailureReason: task.failureReason,
    StartedTimestamp: task.startedAt,
  }
}

function refused(text: string): WireError {
  return new WireError('InvalidParameterValue', text)
}

function notFound(text: string): WireError {
  return serviceError('ResourceNotFoundException', text)
}
