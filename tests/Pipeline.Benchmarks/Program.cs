using Pipeline.Benchmarks;
using Pipeline.Benchmarks.Study;
using Pipeline.Contracts.Storage;

(string Name, string What, Func<string[], int> Run)[] benchmarks =
[
    ("tokenization", "tokens per second beside Hugging Face's crate, bytes allocated, loading: [--text FILE...] [--tokenizer PATH...] [--rounds N] [--crate FOLDER]", rest => TokenizationBenchmark.Run(rest, new DiskStorage())),
    ("alignment", "teacher tokens aligned per second: [SECONDS]", AlignmentBenchmark.Run),
    ("models", "vocabulary head, training step, growth of memory, products of two libraries, sgemm: head [tokens] [width ...] | train [1M|5M|20M ...] | growth | products onednn|mkl | sgemm", ModelBenchmark.Run),
    ("pipeline", "flows of a definition against bare loops over the same batches: [DEFINITION] [--rounds N] [--steps N]", rest => PipelineBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("online", "steps from the cache against steps with the teacher online: [MODEL] [--student self|bytes] [--steps N] [--tokens N] [--threads N]", rest => OnlineBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("hypernetwork", "a hypernetwork's step beside the frozen model alone: [MODEL] [--steps N] [--tokens N] [--threads N]", rest => HypernetworkBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("gguf", "a teacher under torch and under llama.cpp in its formats: [--rows N] [--rounds N] [--folder DIR]", rest => GgufBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("generate", "prompt and new tokens per processor second beside llama.cpp, bytes per second of a teacher and a byte student: [1M|134M|bytes] [--float32-keys] [--rounds N] [--threads 1,2] [--folder DIR]", GenerateBenchmark.Run),
    ("growth", "a token's time and memory over 1, 10 and 100 times of a text, the tokenizers' share: [scoring|update] [--documents N] [--steps N] [--threads N] [--sizes 1,10,100]", rest => GrowthBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("bytes", "a teacher's pass without and with next bytes, trunk and exact: score [MODEL] [--tokenizer FOLDER] [--width N] [--text FILE] [--rounds N] [--tokens N] [--threads N]; a step beside SFT's and ALM's: step [MODEL] [--config FILE --tokenizer FOLDER] [--sides NAMES] [--steps N] [--tokens N] [--rows N] [--threads N]", rest => BytesBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("ranks", "sums over ranks, part work on two processes, overhead of a rank, memory of shardOptimizer: sums | work DEFINITION FLOW | overhead DEFINITION | memory DEFINITION [--rounds N] [--set PATH=VALUE]", RanksBenchmark.Run),
    ("startup", "time to the first committed part and of alm --help, beside other builds: [--before FOLDER,...] [--rounds N]", StartupBenchmark.Run),
    ("verify", "alm verify beside a plain read of the same files: [--folder DIR] [--gigabytes N] [--shards N] [--rounds N]", VerifyBenchmark.Run),
    ("serve", "tokens per second from a server beside a bare loop, a prefix used again, bytes per second of an unlike ensemble and its members: [clients|prefix|bytes] [--model DIR] [--student DIR] [--rounds N] [--threads N]", rest => ServeBenchmark.Run(rest).GetAwaiter().GetResult()),
    ("shards", "written, read and verified per second, bytes per token: [--parquet FILE] [--column NAME] [--level N] [--block N] [--student bytes|subword] [--examples N]", ShardBenchmark.Run),
    ("study", "tables and pictures of the study's runs: RUNS OUT [--commit HASH] [--machine TEXT]", StudyCommand.Run),
];

string name = args.FirstOrDefault() ?? "help";
foreach ((string known, _, Func<string[], int> run) in benchmarks)
{
    if (name == known)
        return run(args[1..]);
}
if (name is not ("help" or "--help" or "-h"))
    Console.Error.WriteLine($"there is no benchmark '{name}'");
foreach ((string known, string what, _) in benchmarks)
    Console.WriteLine($"{known,-14}{what}");
return name is "help" or "--help" or "-h" ? 0 : 64;
