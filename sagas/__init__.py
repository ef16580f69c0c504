"""The saga: states, messages, steps and lanes; knows no Faust, no aiohttp and no Kafka client."""
