import { expect, it } from 'vitest'
import { parseEventBridgeEvent } from './event-bridge-event.ts'

const event = {
  version: '0',
  id: '17793124-05d4-b198-2fde-7ededc63b103',
  'detail-type': 'Object Created',
  source: 'aws.s3',
  account: '111122223333',
  time: '2021-11-12T00:00:00Z',
  region: 'ca-central-1',
  resources: ['arn:aws:s3:::amzn-s3-demo-bucket1'],
  detail: { version: '0', bucket: { name: 'amzn-s3-demo-bucket1' }, object: { key: 'example-key', size: 5, sequencer: '617f08299329d189' } },
}

it('reads an event', () => {
  expect(parseEventBridgeEvent(JSON.stringify(event))).toEqual({
    id: event.id,
    source: 'aws.s3',
    detailType: 'Object Created',
    account: '111122223333',
    region: 'ca-central-1',
    time: Date.UTC(2021, 10, 12),
    resources: event.resources,
    detail: event.detail,
    replayName: undefined,
  })
})

it('tells what is replayed from an archive', () => {
  expect(parseEventBridgeEvent({ ...event, 'replay-name': 'again' }).replayName).toBe('again')
})

it.each([
  ['[]', 'it is no JSON object'],
  [{ detail: event.detail }, "'id' is missing"],
  [{ ...event, 'detail-type': 1 }, "'detail-type' must be a text"],
  [{ ...event, time: '12 November' }, "'time' must be a date"],
  [{ ...event, resources: [1] }, "'resources' must be a list of texts"],
  [{ ...event, detail: 'text' }, "'detail' must be an object"],
])('refuses %j', (body, problem) => {
  expect(() => parseEventBridgeEvent(body)).toThrow(expect.objectContaining({ code: 'ERR_UNDECODABLE', message: expect.stringContaining(problem) }))
})
