using System.Globalization;

namespace Pipeline.Stages.Tasks;

/// <summary>Shows a report of tasks as tables, for a terminal or for a page.</summary>
public static class TaskTable
{
    /// <summary>The table of one task. The first row has the titles of the columns. Differences have columns only if there is a reference.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(TaskReport report, TaskResult task)
    {
        List<IReadOnlyList<string>> rows = [["model", "figure", "value", "95 % interval", .. report.Reference is { } name ? new[] { $"less {name}", "95 % interval", "p" } : []]];
        foreach (TaskModelResult model in task.Models)
        {
            foreach (TaskFigure figure in model.Figures)
                rows.Add([model.Name, figure.Filter == "none" ? figure.Name : $"{figure.Name} ({figure.Filter})", Number(figure.Value), Interval(figure.Low, figure.High), .. report.Reference is null ? [] : Versus(figure.Versus)]);
        }
        return rows;
    }

    /// <summary>The line above the table of a task.</summary>
    public static string Title(TaskResult task) => string.Create(
        CultureInfo.InvariantCulture, $"{task.Name}: {task.Questions:N0} questions{(task.Shots > 0 ? $" behind {task.Shots} answered" : "")}; wording: {task.Wording}{(task.Imitates is { } rule ? $"; judged as by {rule}" : "")}");

    /// <summary>The tables of all tasks as lines of plain text.</summary>
    public static IReadOnlyList<string> Lines(TaskReport report)
    {
        var lines = new List<string>();
        foreach (TaskResult task in report.Tasks)
        {
            IReadOnlyList<IReadOnlyList<string>> rows = Rows(report, task);
            int[] widths = [.. rows[0].Select((_, column) => rows.Max(r => r[column].Length))];
            lines.Add(Title(task));
            lines.AddRange(rows.Select(r => string.Join("  ", r.Select((cell, i) => i < 2 ? cell.PadRight(widths[i]) : cell.PadLeft(widths[i]))).TrimEnd()));
        }
        return lines;
    }

    private static string[] Versus(TaskDifference? versus)
        => versus is null ? ["", "", ""] : [Signed(versus.Difference), Interval(versus.Low, versus.High), versus.P is { } p ? p.ToString(p < 0.001 ? "0.0e+0" : "0.000", CultureInfo.InvariantCulture) : ""];

    private static string Interval(double? low, double? high) => low is null || high is null ? "" : $"{Number(low)} to {Number(high)}";

    private static string Number(double? value) => value is { } number ? number.ToString(Math.Abs(number) < 1e4 ? "0.0000" : "0.000e+0", CultureInfo.InvariantCulture) : "-";

    private static string Signed(double? value) => value is > 0 ? "+" + Number(value) : Number(value);
}
