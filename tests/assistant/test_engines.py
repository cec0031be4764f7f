import doctest

from assistant import engines
from assistant.conversation import Conversation


def test_examples_of_the_engines_run(conversation: Conversation) -> None:
    finder, runner = doctest.DocTestFinder(), doctest.DocTestRunner()
    for function in (engines.as_retriever, engines.as_query_engine):
        globs = {**vars(engines), "conversation": conversation}
        [example] = finder.find(function, globs=globs)
        assert example.examples
        assert runner.run(example).failed == 0


def test_query_engine_gives_the_exact_quotes_and_answers_each_question_alone(
    conversation: Conversation,
) -> None:
    engine = engines.as_query_engine(conversation)
    response = engine.query("What limit did Kelland put on the export of amber?")
    for scored in response.source_nodes:
        cited = (response.metadata or {})["citations"]
        [citation] = [one for one in cited if one["id"] == scored.node.node_id]
        assert scored.node.get_content() == citation["quote"]
        assert scored.node.ref_doc_id == citation["document"]
    assert conversation.turns == []


def test_query_engine_says_that_the_documents_do_not_answer(conversation: Conversation) -> None:
    response = engines.as_query_engine(conversation).query("Who won the snooker tournament?")
    assert str(response).startswith("The documents have nothing on this.")
    assert response.source_nodes == []
