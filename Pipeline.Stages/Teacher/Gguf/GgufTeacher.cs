using System.Text;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Formats;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;
using Pipeline.Contracts.Storage;
using Pipeline.Contracts.Teachers;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.NextBytes;
using Pipeline.Stages.Sides;
using Pipeline.Stages.Tokenization;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// A teacher that llama.cpp computes, in a process of its own. Our own reader checks the file before llama.cpp sees it. When the process has started, the
/// bytes of every token are compared with those of our tokenizer. Requests are answered one after the other.
/// </summary>
internal sealed class GgufTeacher : IWritingTeacher, IPlannedTeacher
{
    private const int NamedTokens = 5;
    private static readonly TeacherAbilities Abilities = new(BoundaryKnowledge.Exact, NextByteKnowledge.Trunk, Generates: true);

    private readonly string _path;
    private readonly GgufTeacherDefinition _definition;
    private readonly TextTokenizer _tokenizer;
    private readonly IStorage _storage;
    private readonly IGgufWorkers _workers;
    private readonly int _threads;
    private readonly Lazy<IReadOnlyDictionary<string, string>> _fingerprint;
    private readonly SemaphoreSlim _turn = new(1);
    private GgufWorkerClient? _worker;
    private ByteRows? _bytes;

    /// <summary>Makes a teacher without reading the file or starting a process yet.</summary>
    /// <param name="path">The full path of the file.</param>
    /// <param name="definition">The definition's keys.</param>
    /// <param name="tokenizer">The tokenizer whose ids the rows have.</param>
    /// <param name="storage">The storage that has the file.</param>
    /// <param name="workers">Knows how to start the process of llama.cpp.</param>
    /// <param name="threads">The number of threads of llama.cpp; 0 for as many as there are processors.</param>
    public GgufTeacher(string path, GgufTeacherDefinition definition, TextTokenizer tokenizer, IStorage storage, IGgufWorkers workers, int threads)
    {
        (_path, _definition, _tokenizer, _storage, _workers) = (path, definition, tokenizer, storage, workers);
        _threads = threads > 0 ? threads : Environment.ProcessorCount;
        Facts = new TeacherFacts(Abilities, null, Repeatable: true);
        _fingerprint = new(() =>
        {
            GgufVocabulary.Check(path, storage);
            return new Dictionary<string, string>
            {
                [FingerprintPart.TeacherWeights] = FileHash.Of(storage, path).Hash,
                ["teacher engine"] = workers.Engine,
            };
        });
    }

    public static TeacherRegistration Registration { get; } = TeacherRegistration.Of<GgufTeacherDefinition>(
        GgufTeacherDefinition.Name, "A GGUF file, computed on the CPU by llama.cpp in a separate process.", _ => Abilities,
        static (teacher, context) => new GgufTeacher(
            RunPaths.Input(context.RunFolder, teacher.Model), teacher, SideTokenizers.Teacher(RunSite.Of(context)), context.Storage, context.Service<IGgufWorkers>(), context.Definition.Threads));

    public TeacherFacts Facts { get; }

    public IReadOnlyDictionary<string, string> Fingerprint => _fingerprint.Value;

    /// <summary>The id of the process, if one runs. Tests use it to end the process.</summary>
    internal int? ProcessId => _worker?.ProcessId;

    /// <summary>The memory of the process; nothing if the file does not exist yet, because the run itself will write it.</summary>
    public IReadOnlyList<PlanLine> Plan(long? documents, double? tokens)
        => _storage.FileExists(_path) ? [GgufMemory.Plan(_path, _storage, _definition.ChunkTokens, documents > 0 ? tokens / documents : null)] : [];

    public Task<IReadOnlyList<TeacherAnswer>> ScoreAsync(TeacherRequest request, CancellationToken cancellationToken)
        => AskAsync<IReadOnlyList<TeacherAnswer>>(worker => Score(worker, request, cancellationToken), cancellationToken);

    public Task<IReadOnlyList<TeacherWriting>> WriteAsync(WritingRequest request, CancellationToken cancellationToken)
        => AskAsync(worker => new GgufWriting(worker, Ends(worker, cancellationToken), _tokenizer.VocabularySize).Write(request, cancellationToken), cancellationToken);

    private async Task<T> AskAsync<T>(Func<GgufWorkerClient, T> ask, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => ask(_worker ??= Start(cancellationToken)), cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // The process may be in any state now, so the next request starts another one.
            End();
            throw;
        }
        finally
        {
            _turn.Release();
        }
    }

    public ValueTask ReleaseAsync()
    {
        End();
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        End();
        _turn.Dispose();
        return ValueTask.CompletedTask;
    }

    private TeacherAnswer[] Score(GgufWorkerClient worker, TeacherRequest request, CancellationToken cancellationToken)
    {
        if (request.Bytes is not null)
            _bytes ??= new ByteRows(new ByteVocabulary(_tokenizer, Ends(worker, cancellationToken), worker.Vocabulary));
        return [.. request.Rows.Select(row => Score(worker, row, request.Bytes, cancellationToken))];
    }

    private TeacherAnswer Score(GgufWorkerClient worker, TeacherQuestion row, NextBytesAsked? asked, CancellationToken cancellationToken)
    {
        TrunkRow? bytes = asked is null ? null : new TrunkRow(
            _bytes!, row.Tokens ?? throw new InvalidOperationException("next bytes are asked for a row that does not say which bytes its tokens spell"));
        (float[] likelihood, float[] boundary) = worker.Score(row.Ids, bytes is null ? null : bytes.Add, cancellationToken);
        return new TeacherAnswer(new TeacherScores(Array.ConvertAll(likelihood, Stored), Array.ConvertAll(boundary, Stored))) { Bytes = bytes?.Answer(asked!) };
    }

    // The definition may name another tokenizer than the one in the file, with an eos token of its own.
    private HashSet<int> Ends(GgufWorkerClient worker, CancellationToken cancellationToken) => [.. worker.Ends(cancellationToken), .. _tokenizer.EosId is { } eos ? (int[])[eos] : []];

    private GgufWorkerClient Start(CancellationToken cancellationToken)
    {
        GgufVocabulary.Check(_path, _storage);
        GgufWorkerClient worker = GgufWorkerClient.Open(_workers, _path, _threads, _definition.ChunkTokens, cancellationToken: cancellationToken);
        try
        {
            CheckTokens(worker.Tokens(cancellationToken));
            worker.SetBoundary(BoundaryMask.For(_tokenizer), cancellationToken);
            return worker;
        }
        catch
        {
            worker.Dispose();
            throw;
        }
    }

    private void CheckTokens(byte[][] theirs)
    {
        if (_tokenizer.VocabularySize > theirs.Length)
            throw new InputException($"{_path}: the teacher's tokenizer has {_tokenizer.VocabularySize} tokens, but the model has {theirs.Length} rows; name the tokenizer that it was trained with (teacher.tokenizer)");
        int[] differing = [.. Enumerable.Range(0, _tokenizer.VocabularySize).Where(id => !IsSame(id, theirs[id]))];
        if (differing.Length > 0)
        {
            string first = string.Join(", ", differing.Take(NamedTokens).Select(id => $"{id} (here '{Encoding.UTF8.GetString(_tokenizer.ByteView(id))}', there '{Encoding.UTF8.GetString(theirs[id])}')"));
            throw new InputException($"{_path}: {differing.Length} of the teacher's {_tokenizer.VocabularySize} tokens spell different bytes here and in llama.cpp: {first}; name the tokenizer that it was trained with (teacher.tokenizer)");
        }
    }

    // For some added tokens llama.cpp writes '▁', the character that represents a space, where our byte view has the space itself.
    private bool IsSame(int id, byte[] theirs)
        => _tokenizer.TokenOf(id) is null || _tokenizer.ByteView(id).SequenceEqual(theirs)
            || Encoding.UTF8.GetString(_tokenizer.ByteView(id)).Replace('▁', ' ') == Encoding.UTF8.GetString(theirs).Replace('▁', ' ');

    private void End() => Interlocked.Exchange(ref _worker, null)?.Dispose();

    /// <summary>-log p as shards hold it, in the finite range of float16: an impossible token has the largest number and not infinity.</summary>
    private static float Stored(float logProbability) => Math.Clamp(-logProbability, 0f, (float)Half.MaxValue);
}
