// Watermill's SQL subscriber into its JetStream publisher.
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	wsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/jackc/pgx/v5/pgxpool"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()

	// PGHOST, PGPORT, PGUSER and PGDATABASE.
	pool, err := pgxpool.New(ctx, "")
	check(err)
	subscriber, err := wsql.NewSubscriber(wsql.BeginnerFromPgx(pool), wsql.SubscriberConfig{
		SchemaAdapter:  wsql.DefaultPostgreSQLSchema{SubscribeBatchSize: 1000},
		OffsetsAdapter: wsql.DefaultPostgreSQLOffsetsAdapter{},
		PollInterval:   10 * time.Millisecond,
	}, watermill.NopLogger{})
	check(err)
	publisher, err := wnats.NewPublisher(wnats.PublisherConfig{
		URL:       os.Getenv("NATS_URL"),
		JetStream: wnats.JetStreamConfig{TrackMsgId: true},
	}, watermill.NopLogger{})
	check(err)
	messages, err := subscriber.Subscribe(ctx, "events")
	check(err)
	for message := range messages {
		if err := publisher.Publish(message.Metadata.Get("subject"), message); err != nil {
			log.Print(err)
			message.Nack()
			continue
		}
		message.Ack()
	}
}
