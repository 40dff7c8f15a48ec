using System.Text.Json;
using Pipeline.Contracts.Teachers;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>How one kind of server is asked for the log-probabilities of given ids, and what its answers look like.</summary>
internal interface IServerDialect
{
    /// <summary>Relative to the server.</summary>
    string Path { get; }

    /// <summary>Writes the members of the request's object.</summary>
    /// <param name="json">Inside the object.</param>
    /// <param name="ids">To be scored.</param>
    /// <param name="teacher">Model and what is wanted.</param>
    /// <param name="vocabulary">Of its tokenizer.</param>
    void Write(Utf8JsonWriter json, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary);

    /// <exception cref="ServerAnswerException">Ids, counts or numbers are not those of an answer to what was asked.</exception>
    ServerScores Read(JsonElement answer, ReadOnlySpan<int> ids, OpenAiTeacherDefinition teacher, ServerVocabulary vocabulary);

    /// <summary>Writes the members of a request to continue a prompt.</summary>
    /// <param name="json">Inside the object.</param>
    /// <param name="prompt">Ids of the prompt.</param>
    /// <param name="seed">Of this prompt's draws.</param>
    /// <param name="writing">How tokens are chosen.</param>
    /// <param name="teacher">The model.</param>
    void WritePrompt(Utf8JsonWriter json, ReadOnlySpan<int> prompt, int seed, WritingRequest writing, OpenAiTeacherDefinition teacher);

    /// <exception cref="ServerAnswerException">It is not a continuation.</exception>
    TeacherWriting ReadWriting(JsonElement answer);
}
