using System.ComponentModel;
using System.Diagnostics;
using Pipeline.Contracts.Errors;

namespace Pipeline.Stages.Teacher.Gguf;

/// <summary>
/// A process that runs llama.cpp on one file. An assert of llama.cpp ends that process and not this one: it becomes an error with the
/// process's last words. Calls come one at a time; a cancelled one ends the process.
/// </summary>
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

    /// <summary>Of the process, for tests that end it.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Rows of the model's head.</summary>
    public int Vocabulary { get; private set; }

    /// <summary>Starts a process and has it load a file.</summary>
    /// <param name="workers">How it is started.</param>
    /// <param name="file">Full path of a GGUF that our own reader accepts.</param>
    /// <param name="threads">Of llama.cpp.</param>
    /// <param name="chunkTokens">Tokens of a row that are computed together; memory for logits is that many times the vocabulary.</param>
    /// <param name="vocabularyOnly">Load no weights: only <see cref="Tokens"/> and <see cref="Tokenize"/> may be asked.</param>
    /// <param name="cancellationToken">Ends the process.</param>
    /// <exception cref="InputException">llama.cpp refuses the file; its words are in the message.</exception>
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

    /// <summary>[vocabulary] the bytes that llama.cpp writes for each token; for special tokens, their text.</summary>
    public byte[][] Tokens(CancellationToken cancellationToken = default) => Ask(WorkerMessage.Tokens, null, reader =>
    {
        var tokens = new byte[WorkerPipe.Count(reader, sizeof(int))][];
        for (int i = 0; i < tokens.Length; i++)
            tokens[i] = reader.ReadBytes(WorkerPipe.Count(reader, 1));
        return tokens;
    }, cancellationToken);

    /// <summary>Ids that end a text, or a turn of it, by what llama.cpp knows of the file.</summary>
    public int[] Ends(CancellationToken cancellationToken = default) => Ask(WorkerMessage.Ends, null, WorkerPipe.ReadIds, cancellationToken);

    /// <summary>Says which ids are boundary tokens, and how many rows of the head have a token: the others get no probability.</summary>
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

    /// <summary>[ids] log p of each token but the first, and log boundary mass after each, in nats.</summary>
    /// <param name="ids">Of a row.</param>
    /// <param name="weights">
    /// Gets, of each token in turn, its index and [tokens given to <see cref="SetBoundary"/>] numbers proportional to the probabilities of what
    /// follows; null: nobody does.
    /// </param>
    /// <param name="cancellationToken">Ends the process.</param>
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

    /// <summary>[ids, vocabulary] logits after each token.</summary>
    public float[] Logits(ReadOnlyMemory<int> ids, CancellationToken cancellationToken = default)
        => Ask(WorkerMessage.Logits, writer => WorkerPipe.WriteIds(writer, ids.Span), WorkerPipe.ReadNumbers, cancellationToken);

    /// <summary>[vocabulary] logits after the last token.</summary>
    /// <param name="ids">Of a row.</param>
    /// <param name="goesOn">
    /// Compute only what is new if the ids continue those of the previous call. Numbers then depend on earlier calls, in their last digits.
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

    /// <summary>Ids by llama.cpp's own tokenizer.</summary>
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
            // Reads what is left of its last words.
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
            // It is gone already.
        }
    }
}
