// Messages become calls of the engine, without Node: what is answered, and what is refused.
#include "control/control.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include <mutex>
#include <string>

#include "boundary/message.hpp"
#include "boundary/messages.hpp"

using namespace valenic;
using boundary::Form;

namespace {

using Message = std::vector<uint8_t>;

struct Events final : control::EventSink {
    void event(Message message) override {
        const std::scoped_lock lock(mutex);
        messages.push_back(std::move(message));
    }
    void housekeeping_due() override {}
    std::mutex mutex;
    std::vector<Message> messages;
};

struct Datapath {
    Events events;
    control::Control control{8, events};

    template <typename Command>
    Message run(const Command& command, std::vector<OwnedFd> descriptors = {}) {
        boundary::Writer to;
        encode(to, boundary::Head{boundary::current_version, Form::command, Command::command_number,
                                  5});
        encode(to, command);
        return control.run(to.take(), std::move(descriptors));
    }
};

template <typename Body>
Body body_of(const Message& message, Form form, size_t descriptors = 0) {
    boundary::Reader in(message, descriptors);
    boundary::Head head;
    Body body;
    REQUIRE(decode(in, head));
    CHECK(head.form == form);
    REQUIRE(decode(in, body));
    CHECK(in.end());
    return body;
}

boundary::Failure failure_of(const Message& message) {
    return body_of<boundary::Failure>(message, Form::failure);
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

}  // namespace

TEST_SUITE("control: messages in, messages out") {
    TEST_CASE("a command is carried out and answered under its request's number") {
        Datapath datapath;
        boundary::SwitchCreate command;
        command.name = "vale0";
        const Message message = datapath.run(command);

        boundary::Reader in(message, 0);
        boundary::Head head;
        REQUIRE(decode(in, head));
        CHECK(head.form == Form::answer);
        CHECK(head.number == boundary::SwitchCreate::command_number);
        CHECK(head.request == 5);
        const auto answer = body_of<boundary::SwitchCreateAnswer>(message, Form::answer);
        CHECK(answer.switch_id != 0);
        // It is there: another of that name is not possible.
        CHECK(failure_of(datapath.run(command)).code == "name_in_use");
    }

    TEST_CASE("a command without an answer of its own is answered by an empty one") {
        Datapath datapath;
        boundary::SwitchCreate create;
        create.name = "vale0";
        const auto made = body_of<boundary::SwitchCreateAnswer>(datapath.run(create), Form::answer);
        body_of<boundary::SwitchRemoveAnswer>(datapath.run(boundary::SwitchRemove{made.switch_id}),
                                              Form::answer);
    }

    TEST_CASE("what the operating system refused is told with its errno and what was being done") {
        Datapath datapath;
        boundary::WorkerAdd command;
        command.cpu = 1023;  // No test runs on a machine with so many.
        const boundary::Failure failure = failure_of(datapath.run(command));
        CHECK(failure.code == "system");
        CHECK(failure.error_number == EINVAL);
        CHECK(failure.doing == "starting a worker");
        CHECK(failure.text == "the operating system refused: starting a worker: Invalid argument");
    }

    TEST_CASE("whatever a message is, its descriptors are closed") {
        Datapath datapath;
        const auto two = [](int(&numbers)[2]) {
            std::vector<OwnedFd> fds;
            for (int& number : numbers) {
                number = eventfd(0, EFD_CLOEXEC);
                REQUIRE(number >= 0);
                fds.emplace_back(number);
            }
            return fds;
        };
        int numbers[2];
        SUBCASE("no message") { failure_of(datapath.control.run({}, two(numbers))); }
        SUBCASE("a command that is refused") {
            boundary::VhostRingStart command;
            command.port = 77;
            command.kick_fd.place = 0;
            command.call_fd.place = 1;
            CHECK(failure_of(datapath.run(command, two(numbers))).code == "unknown_port");
        }
        SUBCASE("a command that names none of them") {
            CHECK(failure_of(datapath.run(boundary::PortRemove{77}, two(numbers))).code ==
                  "unknown_port");
        }
        SUBCASE("a command that names more than came") {
            boundary::VhostRingStart command;
            command.kick_fd.place = 2;
            CHECK(failure_of(datapath.run(command, two(numbers))).code == "message_malformed");
        }
        for (const int number : numbers) CHECK_FALSE(is_open(number));
    }

    TEST_CASE("a message of any bytes is answered by a failure") {
        Datapath datapath;
        uint32_t state = 7;
        for (int turn = 0; turn < 2000; ++turn) {
            Message message(static_cast<size_t>(turn % 64));
            for (uint8_t& byte : message) {
                state = state * 1664525u + 1013904223u;
                byte = static_cast<uint8_t>(state >> 24);
            }
            CHECK_FALSE(failure_of(datapath.control.run(message, {})).text.empty());
        }
    }

    TEST_CASE("an answer or an event is not a command") {
        Datapath datapath;
        boundary::Writer to;
        encode(to, boundary::Head{boundary::current_version, Form::event, 1, 0});
        encode(to, boundary::MacRestsEvent{1});
        CHECK(failure_of(datapath.control.run(to.take(), {})).code == "message_malformed");
    }

    TEST_CASE("a command that there is not is named by its number") {
        Datapath datapath;
        boundary::Writer to;
        encode(to, boundary::Head{boundary::current_version, Form::command, 999, 3});
        to.map(0);
        const boundary::Failure failure = failure_of(datapath.control.run(to.take(), {}));
        CHECK(failure.code == "unknown_command");
        CHECK(failure.text == "no command has the number 999");
    }
}
