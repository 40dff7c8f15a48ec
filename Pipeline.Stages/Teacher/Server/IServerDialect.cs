using System.Text.Json;

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
}
