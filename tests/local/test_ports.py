import socket

from wallscan.local.ports import GRPC_OFFSET, choose_ports, is_free


def listener(port: int = 0) -> socket.socket:
    made = socket.socket()
    made.bind(("127.0.0.1", port))
    made.listen()
    return made


def test_chosen_ports_are_free_and_differ():
    names = [str(number) for number in range(20)]
    chosen = choose_ports(names, {})
    assert list(chosen) == names
    assert len(set(chosen.values())) == 20
    assert all(is_free(port) and is_free(port + GRPC_OFFSET) for port in chosen.values())


def test_a_port_that_is_promised_is_neither_chosen_nor_met_by_a_second_one():
    known = choose_ports(["a", "b"], {})
    for promised in (known["a"], known["a"] + GRPC_OFFSET):
        again = choose_ports(["a", "b"], known, [promised])
        assert promised not in (again["a"], again["a"] + GRPC_OFFSET)
        assert again["b"] == known["b"]


def test_a_known_port_that_is_the_second_one_of_another_is_not_kept():
    known = choose_ports(["s3"], {})
    again = choose_ports(["s3", "api"], known | {"api": known["s3"] + GRPC_OFFSET})
    assert again["s3"] == known["s3"]
    assert again["api"] != known["s3"] + GRPC_OFFSET


def test_known_ports_are_kept_while_they_are_free():
    known = choose_ports(["a", "b"], {})
    with listener(known["a"]):
        again = choose_ports(["a", "b"], known)
    assert again["a"] != known["a"]
    assert again["b"] == known["b"]


def test_a_port_whose_second_one_is_taken_is_not_chosen():
    known = choose_ports(["a"], {})
    with listener(known["a"] + GRPC_OFFSET):
        assert choose_ports(["a"], known) != known


def test_a_known_port_without_a_second_one_is_kept():
    known = {"api": next(port for port in range(60000, 65536) if is_free(port))}
    assert choose_ports(["api"], known) == known
