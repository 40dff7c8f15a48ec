using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Batching;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Teacher.Server;

/// <summary>
/// A teacher behind a server. Every row and every prompt is a request of its own. A server gives the log-probabilities of the tokens that it is sent, so a
/// row is sent with its last id repeated: the answer then also says what may follow the row's last token. Every answer is compared with what was sent.
/// </summary>
internal sealed class OpenAiTeacher : IWritingTeacher, IPlannedTeacher
{
    private const string ProbeFile = "teacher-probe.json";
    private const int QuotedCharacters = 400;

    private readonly OpenAiTeacherDefinition _definition;
    private readonly TextTokenizer _tokenizer;
    private readonly IStorage _storage;
    private readonly string _probePath;
    private readonly Lazy<ServerVocabulary> _vocabulary;
    private readonly Lazy<TeacherConnection> _connection;
    private readonly SemaphoreSlim _slots;
    private readonly IServerDialect _dialect;
    private string? _model;

    /// <summary>Makes a teacher without connecting to the server yet.</summary>
    /// <param name="definition">The definition's keys.</param>
    /// <param name="tokenizer">The tokenizer whose ids the rows have.</param>
    /// <param name="storage">The storage that has the run folder.</param>
    /// <param name="runFolder">The folder that keeps the scores of the probe texts (<see cref="TeacherProbe"/>).</param>
    /// <param name="connections">Opens the connection, when it is first needed.</param>
    public OpenAiTeacher(OpenAiTeacherDefinition definition, TextTokenizer tokenizer, IStorage storage, string runFolder, ITeacherConnections connections)
    {
        _definition = definition;
        _tokenizer = tokenizer;
        _storage = storage;
        _probePath = Path.Combine(runFolder, ProbeFile);
        _vocabulary = new(() => new ServerVocabulary(tokenizer));
        _connection = new(() => connections.Open(definition));
        _slots = new SemaphoreSlim(definition.InFlight);
        _dialect = definition.Server switch
        {
            ServerKind.Sglang => new SglangDialect(),
            ServerKind.Completions => new EchoDialect(),
            _ => new VllmDialect(),
        };
        Facts = new TeacherFacts(Abilities(definition), null, Repeatable: false, definition.InFlight);
    }

    public static TeacherRegistration Registration { get; } = TeacherRegistration.Of<OpenAiTeacherDefinition>(
        OpenAiTeacherDefinition.Name, "A model behind a server: vLLM, SGLang, or any server with OpenAI's completions and echo.", Abilities,
        static (teacher, context) => new OpenAiTeacher(
            teacher, SideTokenizers.Teacher(RunSite.Of(context)), context.Storage, context.RunFolder, context.Service<ITeacherConnections>()));

    public TeacherFacts Facts { get; }

    public IReadOnlyDictionary<string, string> Fingerprint => new Dictionary<string, string>
    {
        ["teacher server"] = JsonNamingPolicy.KebabCaseLower.ConvertName(_definition.Server.ToString()),
        ["teacher model"] = _definition.Revision is { } revision ? $"{_definition.Model} at {revision}" : _definition.Model,
        ["teacher listed"] = _definition.WholeDistribution ? "all" : _definition.Top.ToString(CultureInfo.InvariantCulture),
    };

    public IReadOnlyList<PlanLine> Plan(long? documents, double? tokens) => ServerPlan.Of(_definition, _tokenizer.VocabularySize, documents, tokens);

    public async Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken)
    {
        var answers = new TeacherAnswer[request.Rows.Count];
        await InFlight.ForEachAsync(Enumerable.Range(0, answers.Length), _definition.InFlight, async (i, stop) =>
        {
            int[] ids = request.Rows[i].Ids;
            answers[i] = await ScoreAsync([.. ids, ids[^1]], said => new TeacherAnswer(ServerNumbers.Of(said, ids.Length, _definition, _vocabulary.Value.Size)), stop).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        return answers;
    }

    public async Task<IReadOnlyList<TeacherWriting>> WriteAsync(WritingRequest request, CancellationToken cancellationToken)
    {
        var answers = new TeacherWriting[request.Prompts.Count];
        await InFlight.ForEachAsync(Enumerable.Range(0, answers.Length), _definition.InFlight, async (i, stop) =>
        {
            int[] prompt = request.Prompts[i];
            // Each prompt has a seed of its own, so that no two prompts share their draws.
            int seed = (int)(CounterRandom.Key(request.Seed, request.Streams[i]) & int.MaxValue);
            answers[i] = await AskAsync(prompt.Length, json => _dialect.WritePrompt(json, prompt, seed, request, _definition), _dialect.ReadWriting, stop).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        return answers;
    }

    public async Task ConfirmAsync(CancellationToken cancellationToken)
    {
        var values = new List<double>();
        TextEncoder encoder = _tokenizer.CreateEncoder();
        foreach (string text in TeacherProbe.Texts)
        {
            int[] ids = encoder.EncodeDocument(text, addBos: true, addEos: false).Ids;
            values.AddRange(await ScoreAsync(ids, static said => said.LogLikelihood.Skip(1), cancellationToken).ConfigureAwait(false));
        }
        TeacherProbe.Of(_model, [.. values]).KeepOrCompare(_storage, _probePath, _definition.ProbeError);
    }

    public ValueTask ReleaseAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        if (_connection.IsValueCreated) _connection.Value.Dispose();
        _slots.Dispose();
        return ValueTask.CompletedTask;
    }

    private static TeacherAbilities Abilities(OpenAiTeacherDefinition definition) => new(
        definition.WholeDistribution ? BoundaryKnowledge.Exact : definition.Top > 0 ? BoundaryKnowledge.Interval : BoundaryKnowledge.None, Generates: true);

    private Task<T> ScoreAsync<T>(int[] ids, Func<ServerScores, T> take, CancellationToken cancellationToken) => AskAsync(
        ids.Length, json => _dialect.Write(json, ids, _definition, _vocabulary.Value), answer => take(_dialect.Read(answer, ids, _definition, _vocabulary.Value)), cancellationToken);

    private async Task<T> AskAsync<T>(int ids, Action<Utf8JsonWriter> write, Func<JsonElement, T> read, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            using JsonDocument answer = await PostAsync(write, cancellationToken).ConfigureAwait(false);
            CheckModel(answer.RootElement);
            return read(answer.RootElement);
        }
        catch (ServerAnswerException e)
        {
            throw Wrong($"its answer to {ids} ids cannot be used: {e.Message}", e);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<JsonDocument> PostAsync(Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _dialect.Path) { Content = Body(write) };
        try
        {
            using HttpResponseMessage response = await _connection.Value.Client.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
                throw Wrong($"it answered {(int)response.StatusCode} {response.ReasonPhrase}: {(text.Length > QuotedCharacters ? text[..QuotedCharacters] + "…" : text)}");
            }
            await using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
            return await JsonDocument.ParseAsync(stream, default, cancellationToken).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            throw Wrong($"its answer is not JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException or TimeoutException && !cancellationToken.IsCancellationRequested))
        {
            throw Wrong($"{e.Message}; tried {_definition.Retries + 1} times", e);
        }
    }

    private static ByteArrayContent Body(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }
        var content = new ByteArrayContent(buffer.WrittenSpan.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    // Answers that name different models do not come from one teacher.
    private void CheckModel(JsonElement answer)
    {
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("model", out JsonElement model) || model.ValueKind != JsonValueKind.String)
            return;
        string name = model.GetString()!;
        string first = Interlocked.CompareExchange(ref _model, name, null) ?? name;
        if (first != name)
            throw new ServerAnswerException($"it comes from model '{name}', earlier answers came from '{first}'");
    }

    private InputException Wrong(string what, Exception? inner = null)
        => new(_connection.Value.WithoutKey($"teacher at {_definition.Url}: {what}"), inner is null ? null : new InvalidOperationException(_connection.Value.WithoutKey(inner.Message)));
}
