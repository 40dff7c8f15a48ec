using System.Text.Json;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>How one kind of server is asked to score ids or to continue a prompt, and how its answers are read.</summary>
internal interface IServerDialect
{
    /// <summary>The path that requests are sent to, relative to the server's address.</summary>
    string Path { get; }

    /// <summary>Writes the members of a request to score ids.</summary>
    /// <param name="json">The writer, inside the request's object.</param>
    /// <param name="ids">The ids to be scored.</param>
    /// <param name="teacher">The model's name, and how much of each distribution is wanted.</param>
    /// <param name="vocabulary">The vocabulary of the teacher's tokenizer.</param>
    void Write(Utf8JsonWriter json, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary);

    /// <summary>Reads the answer to a request to score ids.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="ids">The ids that were sent.</param>
    /// <param name="teacher">The same as in the request.</param>
    /// <param name="vocabulary">The same as in the request.</param>
    /// <exception cref="ServerAnswerException">By its ids, counts or numbers, this cannot be the answer to the request.</exception>
    ServerScores Read(JsonElement answer, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary);

    /// <summary>Writes the members of a request to continue a prompt.</summary>
    /// <param name="json">The writer, inside the request's object.</param>
    /// <param name="prompt">The prompt's ids.</param>
    /// <param name="seed">The seed for this prompt's draws.</param>
    /// <param name="writing">How tokens are chosen.</param>
    /// <param name="teacher">The model's name.</param>
    void WritePrompt(Utf8JsonWriter json, ReadOnlySpan<int> prompt, int seed, WritingRequest writing, OpenAiTeacherDefinition teacher);

    /// <summary>Reads the answer to a request to continue a prompt.</summary>
    /// <exception cref="ServerAnswerException">The answer is not a continuation.</exception>
    TeacherWriting ReadWriting(JsonElement answer);
}
