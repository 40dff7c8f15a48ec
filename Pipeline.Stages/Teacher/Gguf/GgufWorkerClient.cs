using System.ComponentModel;
using System.Diagnostics;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// Starts a process that runs llama.cpp on one file, and asks it. If an assertion fails in llama.cpp, it ends that process and not this one, and the call
/// fails with the last output of the process. Calls must come one at a time, and a cancelled call ends the process. <see cref="Dispose"/> ends it too.
/// N ids of a row, V the size of the model's vocabulary.
/// </summary>
/// <remarks>
/// All calls throw <see cref="InputException"/> if llama.cpp refuses what is asked, or if the process has ended. <see cref="SetBoundary"/> must come
/// before <see cref="Score"/>.
/// </remarks>
public sealed class GgufWorkerClient : IDisposable
{
    private const int KeptCharacters = 4000;
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(10);

    private readonly string _file;
    private readonly Process _process;
    private readonly WorkerPipe _pipe;
    private readonly Lock _gate = new();
    private string _lastWords = "";
    private int _scored;

    private GgufWorkerClient(IGgufWorkers workers, string file)
    {
        _file = file;
        ProcessStartInfo start = workers.Command();
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        try
        {
            _process = Process.Start(start) ?? throw new InputException($"{file}: {start.FileName} did not start");
        }
        catch (Win32Exception e)
        {
            throw new InputException($"{file}: {start.FileName}, which runs llama.cpp, could not be started: {e.Message}", e);
        }
        _process.ErrorDataReceived += (_, e) => Keep(e.Data);
        _process.BeginErrorReadLine();
        _pipe = new WorkerPipe(_process.StandardOutput.BaseStream, _process.StandardInput.BaseStream);
    }

    /// <summary>The id of the process. Tests use it to end the process.</summary>
    public int ProcessId => _process.Id;

    /// <summary>V, the size of the model's vocabulary.</summary>
    public int Vocabulary { get; private set; }

    /// <summary>Starts a process and has it load a file.</summary>
    /// <param name="workers">Knows how to start the process.</param>
    /// <param name="file">The full path of a GGUF file that our own reader accepts.</param>
    /// <param name="threads">The number of threads of llama.cpp.</param>
    /// <param name="chunkTokens">How many tokens of a row are computed together. Logits take memory for that many times the vocabulary.</param>
    /// <param name="vocabularyOnly">
    /// Whether no weights are loaded. Only <see cref="Tokens"/>, <see cref="Ends"/> and <see cref="Tokenize"/> can then be called.
    /// </param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="InputException">The process cannot be started, or llama.cpp refuses the file. The message has its own words.</exception>
    public static GgufWorkerClient Open(
        IGgufWorkers workers, string file, int threads, int chunkTokens, bool vocabularyOnly = false, CancellationToken cancellationToken = default)
    {
        GgufWorkerClient client = new(workers, file);
        try
        {
            client.Vocabulary = client.Ask(
                WorkerMessage.Open,
                writer =>
                {
                    writer.Write(file);
                    writer.Write(threads);
                    writer.Write(chunkTokens);
                    writer.Write(vocabularyOnly);
                },
                reader => reader.ReadInt32(),
                cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>[V] the bytes that llama.cpp writes for each token; for a special token, the text of its name.</summary>
    public byte[][] Tokens(CancellationToken cancellationToken = default) => Ask(WorkerMessage.Tokens, null, reader =>
    {
        var tokens = new byte[WorkerPipe.Count(reader, sizeof(int))][];
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = reader.ReadBytes(WorkerPipe.Count(reader, 1));
        return tokens;
    }, cancellationToken);

    /// <summary>The ids of the tokens that end a text or a turn, as far as llama.cpp knows them from the file.</summary>
    public int[] Ends(CancellationToken cancellationToken = default) => Ask(WorkerMessage.Ends, null, WorkerPipe.ReadIds, cancellationToken);

    /// <summary>Says which tokens are boundary tokens. Must be called before <see cref="Score"/>.</summary>
    /// <param name="boundary">[rows of the head that belong to a token] whether the token is one. Further rows get no probability.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    public void SetBoundary(IReadOnlyList<bool> boundary, CancellationToken cancellationToken = default)
    {
        Ask(
            WorkerMessage.Boundary,
            writer =>
            {
                writer.Write(boundary.Count);
                foreach (bool isBoundary in boundary)
                    writer.Write(isBoundary);
            },
            reader => true,
            cancellationToken);
        _scored = boundary.Count;
    }

    /// <summary>Scores a row, in natural logarithms.</summary>
    /// <param name="ids">[N] the tokens of the row; at least one.</param>
    /// <param name="weights">
    /// Gets, after each token in turn, its index and numbers proportional to the probabilities of the next token, one for each token that
    /// <see cref="SetBoundary"/> was told about. The span is valid only during the call. May be null.
    /// </param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <returns>[N] the log-likelihood of each token, which is 0 for the first, and [N] the log boundary mass after each.</returns>
    public (float[] LogLikelihood, float[] LogBoundary) Score(
        ReadOnlyMemory<int> ids, Action<int, ReadOnlySpan<float>>? weights = null, CancellationToken cancellationToken = default)
    {
        int position = 0;
        (float[] likelihood, float[] boundary) = Ask(
            WorkerMessage.Score,
            writer =>
            {
                writer.Write(weights is not null);
                WorkerPipe.WriteIds(writer, ids.Span);
            },
            reader => (WorkerPipe.ReadNumbers(reader), WorkerPipe.ReadNumbers(reader)),
            cancellationToken,
            part: reader =>
            {
                ReadOnlySpan<float> numbers = WorkerPipe.AllNumbers(reader);
                if (weights is null || position == ids.Length || numbers.Length != _scored)
                    throw new InvalidDataException($"{numbers.Length} weights after token {position} of {ids.Length}, expected {(weights is null ? 0 : _scored)}");
                weights(position++, numbers);
            });
        if (weights is not null && position != ids.Length)
            throw Wrong($"{position} distributions for {ids.Length} ids");
        if (likelihood.Length != ids.Length || boundary.Length != ids.Length || likelihood.Any(float.IsNaN) || boundary.Any(float.IsNaN))
            throw Wrong($"{likelihood.Length} and {boundary.Length} scores for {ids.Length} ids, or some that are not numbers: its weights may hold NaN");
        return (likelihood, boundary);
    }

    /// <summary>[N, V] the logits after each token of a row.</summary>
    public float[] Logits(ReadOnlyMemory<int> ids, CancellationToken cancellationToken = default)
        => Ask(WorkerMessage.Logits, writer => WorkerPipe.WriteIds(writer, ids.Span), WorkerPipe.ReadNumbers, cancellationToken);

    /// <summary>[V] the logits after the last token of a row.</summary>
    /// <param name="ids">[N] the tokens of the row; at least one.</param>
    /// <param name="goesOn">
    /// Whether only the new tokens are computed if the row continues that of the previous call. The last digits then depend on the calls before.
    /// </param>
    /// <param name="cancellationToken">Ends the process.</param>
    public float[] NextLogits(ReadOnlyMemory<int> ids, bool goesOn, CancellationToken cancellationToken = default) => Ask(
        WorkerMessage.NextLogits,
        writer =>
        {
            writer.Write(goesOn);
            WorkerPipe.WriteIds(writer, ids.Span);
        },
        WorkerPipe.ReadNumbers,
        cancellationToken);

    /// <summary>The ids that llama.cpp's own tokenizer makes of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecial">Whether special tokens, such as bos, are added where the file says so.</param>
    /// <param name="parseSpecial">Whether special tokens written in the text become those tokens.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    public int[] Tokenize(string text, bool addSpecial, bool parseSpecial, CancellationToken cancellationToken = default) => Ask(
        WorkerMessage.Tokenize,
        writer =>
        {
            writer.Write(addSpecial);
            writer.Write(parseSpecial);
            writer.Write(text);
        },
        WorkerPipe.ReadIds,
        cancellationToken);

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private T Ask<T>(WorkerMessage request, Action<BinaryWriter>? payload, Func<BinaryReader, T> read, CancellationToken cancellationToken, Action<BinaryReader>? part = null)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using CancellationTokenRegistration registration = cancellationToken.Register(Kill);
        try
        {
            _pipe.Send(request, payload);
            while (_pipe.Receive() is { } frame)
            {
                switch (frame.Message)
                {
                    case WorkerMessage.Answer:
                        return read(frame.Payload);
                    case WorkerMessage.Refusal:
                        throw Wrong(frame.Payload.ReadString());
                    case WorkerMessage.Weights when part is not null:
                        part(frame.Payload);
                        break;
                    default:
                        throw new InvalidDataException($"a frame of kind {frame.Message} to {request}");
                }
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException or ObjectDisposedException or InvalidOperationException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Ended(e);
        }
        cancellationToken.ThrowIfCancellationRequested();
        throw Ended(null);
    }

    private InputException Ended(Exception? inner)
    {
        string how = "stopped answering";
        if (_process.WaitForExit(Farewell))
        {
            // Without a limit of time, this also waits until all output of the process has been read.
            _process.WaitForExit();
            how = _process.ExitCode > 128 ? $"was ended by signal {_process.ExitCode - 128}" : $"ended with code {_process.ExitCode}";
        }
        else
        {
            Kill();
        }
        lock (_gate)
            return new InputException($"{_file}: the process that runs llama.cpp {how}{(_lastWords.Length > 0 ? $"; its last output:\n{_lastWords.Trim()}" : " without any output")}", inner);
    }

    private InputException Wrong(string what) => new($"{_file}: llama.cpp: {what}");

    private void Keep(string? line)
    {
        if (line is null)
            return;
        lock (_gate)
        {
            _lastWords += line + "\n";
            if (_lastWords.Length > KeptCharacters)
                _lastWords = _lastWords[^KeptCharacters..];
        }
    }

    private void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception)
        {
            // The process has ended already.
        }
    }
}
