using Pipeline.Stages.Tasks;

namespace Pipeline.Host.Pages;

/// <summary>The results of the models on tasks.</summary>
internal static class TaskSection
{
    public static void Write(HtmlWriter html, RunRecord run) => html.Section("tasks", "Tasks", () =>
    {
        bool any = false;
        foreach (TaskReport report in run.TaskReports)
        {
            foreach (TaskResult task in report.Tasks)
            {
                any = true;
                html.Element("h3", task.Name);
                html.Table(TaskTable.Title(task), TaskTable.Rows(report, task));
            }
        }
        if (!any)
            html.Element("p", "No task was asked: the definition has no judge-tasks stage.", ("class", "note"));
    });
}
