using System.Globalization;
using System.IO.Hashing;
using System.Text;
using System.Text.Json;

using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Gguf;
using Pipeline.Stages.Jinja;

namespace Pipeline.Stages.Chat;

/// <summary>
/// A chat template in Jinja, rendered as Hugging Face renders it. In a tokenizer's folder it is <c>chat_template.jinja</c>, or else <c>chat_template</c> in
/// <c>tokenizer_config.json</c> (of several, the one named <c>default</c>), or else <c>chat_template.json</c>, where processors of images keep it.
/// </summary>
internal sealed class ChatTemplate
{
    private const long MaxTemplateBytes = 1 << 20;
    private const long MaxConfigBytes = 64 << 20;

    private readonly IReadOnlyList<Statement> _statements;
    private readonly string _name;

    private ChatTemplate(string name, IReadOnlyList<Statement> statements)
    {
        _name = name;
        _statements = statements;
    }

    public static string FingerprintOf(string source)
        => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(source)).ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Parses a template.</summary>
    /// <param name="source">Its text.</param>
    /// <param name="name">What messages call it.</param>
    /// <exception cref="InputException">The template has something that is not implemented. The message names it and its line.</exception>
    public static ChatTemplate Parse(string source, string name)
    {
        try
        {
            return new ChatTemplate(name, TemplateParser.Parse(source));
        }
        catch (ChatTemplateException e)
        {
            throw new InputException($"chat template of {name}: {e.Message}; put a chat_template.jinja without it into the tokenizer's folder", e);
        }
    }

    /// <summary>The source of the template that belongs to a tokenizer, or null if it has none.</summary>
    /// <param name="tokenizerPath">A tokenizer's folder, its <c>tokenizer.json</c>, or a GGUF file.</param>
    public static string? Find(string tokenizerPath, IStorage storage)
    {
        if (GgufFile.IsOne(tokenizerPath, storage))
        {
            using GgufFile file = GgufFile.Open(tokenizerPath, storage);
            return file.Metadata.Text("tokenizer.chat_template");
        }
        string folder = storage.DirectoryExists(tokenizerPath) ? tokenizerPath : Path.GetDirectoryName(tokenizerPath)!;
        string jinja = Path.Combine(folder, "chat_template.jinja"), config = Path.Combine(folder, "tokenizer_config.json");
        if (storage.FileExists(jinja))
        {
            Limit(jinja, MaxTemplateBytes, storage);
            if (FileHead.Tell(storage, jinja) is { } other)
                throw new InputException($"{jinja}: {other}");
            using StreamReader reader = new(storage.OpenRead(jinja));
            return reader.ReadToEnd();
        }
        return FindIn(config, storage) ?? FindIn(Path.Combine(folder, "chat_template.json"), storage);
    }

    private static string? FindIn(string config, IStorage storage)
    {
        if (!storage.FileExists(config))
            return null;
        Limit(config, MaxConfigBytes, storage);
        using Stream stream = storage.OpenRead(config);
        using JsonDocument document = ParseConfig(stream, config);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("chat_template", out JsonElement template))
            return null;
        return template.ValueKind switch
        {
            JsonValueKind.String => Text(template, config),
            JsonValueKind.Array => template.EnumerateArray()
                .Where(t => Member(t, "name") is { } name && Text(name, config) == "default")
                .Select(t => Member(t, "template") is { } source ? Text(source, config) : throw new InputException($"{config}: the default of chat_template has no template"))
                .FirstOrDefault(),
            JsonValueKind.Null => null,
            _ => throw new InputException($"{config}: chat_template is {template.ValueKind}, expected a string or a list of named templates"),
        };
    }

    /// <summary>Renders a conversation.</summary>
    /// <param name="conversation">The turns.</param>
    /// <param name="marks">The texts of special tokens by variable (<c>bos_token</c>, ...). As in Hugging Face, a missing variable is undefined.</param>
    /// <param name="date">The day for <c>strftime_now</c>. With null that function is undefined, so that no prompt depends on the day.</param>
    /// <param name="addGenerationPrompt">Whether the prompt ends where an answer of the assistant would begin.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation, or fails on it.</exception>
    /// <exception cref="InputException">The template does something that is not implemented.</exception>
    public TracedText Render(Conversation conversation, IReadOnlyDictionary<string, string> marks, DateOnly? date = null, bool addGenerationPrompt = false)
    {
        Dictionary<string, object?> variables = new(StringComparer.Ordinal)
        {
            ["messages"] = conversation.ToTemplate(),
            // Hugging Face gives these two to every template: defined, and none unless the conversation has them.
            ["tools"] = null,
            ["documents"] = null,
            ["add_generation_prompt"] = addGenerationPrompt,
        };
        if (conversation.Fields is { } fields)
        {
            TemplateDictionary given = TemplateData.Parse(fields, TracedText.Literal);
            foreach (object? name in given.Keys)
                variables[((TracedText)name!).Text] = given[name];
        }
        foreach ((string name, string text) in marks)
            variables[name] = TracedText.Literal(text);
        if (date is { } day)
            variables[TemplateDate.Function] = TemplateDate.Of(day);
        try
        {
            return TemplateInterpreter.Render(_statements, variables, conversation.Characters);
        }
        catch (ChatTemplateException e) when (e.IsMissing)
        {
            throw new InputException($"chat template of {_name}: {e.Message}", e);
        }
        catch (ChatTemplateException e) when (!e.IsRefusal)
        {
            throw new ChatTemplateException($"chat template of {_name}: {e.Message}");
        }
    }

    private static JsonElement? Member(JsonElement of, string name)
        => of.ValueKind == JsonValueKind.Object && of.TryGetProperty(name, out JsonElement value) ? value : null;

    private static string Text(JsonElement value, string path)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString()! : throw new InputException($"{path}: chat_template is {value.ValueKind}, expected text");
        }
        catch (InvalidOperationException e)
        {
            // The string has half a surrogate pair, or bytes that are not UTF-8.
            throw new InputException($"{path}: chat_template is not well-formed text", e);
        }
    }

    private static void Limit(string path, long bytes, IStorage storage)
    {
        if (storage.Length(path) > bytes)
            throw new InputException($"{path}: {storage.Length(path)} bytes long, expected at most {bytes}");
    }

    private static JsonDocument ParseConfig(Stream stream, string path)
    {
        try
        {
            return JsonDocument.Parse(stream);
        }
        catch (JsonException e)
        {
            throw new InputException($"{path}: not JSON: {e.Message}", e);
        }
    }
}
