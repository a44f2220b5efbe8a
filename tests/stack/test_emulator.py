"""Tests of what emulator.py changes in MiniStack. The tests of the crate `stack` run them."""

import asyncio
import sys
import threading
import unittest
from collections import Counter

import emulator
from ministack.services import sqs

MESSAGES, BATCH = 3000, 10


class SharedQueueTest(unittest.TestCase):
    def setUp(self):
        emulator.share_queues_between_threads()
        # Threads change as often as possible.
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        self.addCleanup(sys.setswitchinterval, interval)
        self.addCleanup(sqs.reset)
        self.received = Counter()
        self.by_mapping = 0
        self.by_caller = 0

    def test_a_mapping_and_a_caller_together_receive_each_message_once(self):
        self.url = sqs._act_create_queue({"QueueName": "shared"}, "")["QueueUrl"]
        self.is_over = threading.Event()
        mapping = threading.Thread(target=self.receive_for_mapping)
        mapping.start()
        try:
            sent = asyncio.run(self.send_and_receive())
        finally:
            self.is_over.set()
            mapping.join()
        self.receive_rest()
        self.assertTrue(self.by_mapping and self.by_caller, "both receive messages")
        self.assertEqual(sum(times > 1 for times in self.received.values()), 0, "messages that were received twice")
        self.assertEqual(len(set(sent) - set(self.received)), 0, "messages that were lost")

    def receive_for_mapping(self):
        while not self.is_over.is_set():
            messages = sqs._receive_messages_for_esm(self.url, BATCH)
            self.received.update([message["id"] for message in messages])
            self.by_mapping += len(messages)
            sqs._delete_messages_for_esm(self.url, {message["receipt_handle"] for message in messages})

    def receive_rest(self):
        while messages := sqs._receive_messages_for_esm(self.url, BATCH):
            self.received.update([message["id"] for message in messages])

    async def send_and_receive(self):
        sent = []
        for _ in range(MESSAGES // BATCH):
            entries = [{"Id": str(index), "MessageBody": "message"} for index in range(BATCH)]
            answer = await self.call("SendMessageBatch", Entries=entries)
            sent += [message["MessageId"] for message in answer["Successful"]]
            answer = await self.call("ReceiveMessage", MaxNumberOfMessages=BATCH)
            received = answer.get("Messages", [])
            self.received.update([message["MessageId"] for message in received])
            self.by_caller += len(received)
            receipts = [{"Id": message["MessageId"], "ReceiptHandle": message["ReceiptHandle"]} for message in received]
            if receipts:
                await self.call("DeleteMessageBatch", Entries=receipts)
        return sent

    async def call(self, action, **arguments):
        return await sqs._dispatch(action, {"QueueUrl": self.url, **arguments}, self.url)


if __name__ == "__main__":
    unittest.main()
